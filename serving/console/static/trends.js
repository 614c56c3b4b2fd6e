// The charts of the trends page. Their numbers come from the server, in words already; a click
// leads to the cases behind a number. Without this script the tables hold everything.
(function () {
  "use strict";

  var holder = document.getElementById("charts");
  if (!holder || !window.echarts) return;
  var said = document.getElementById("charts-said");
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var LIGHT = ["#0b5cad", "#b3541e", "#14602f", "#7b3fa0", "#9c1519", "#006d77", "#7a4b00",
    "#44546a", "#b0307a", "#4d6b00", "#5a4fcf", "#8a6d3b", "#2f7f9f", "#6b2d2d"];
  var DARK = ["#8cc4ff", "#ffb27a", "#98dcae", "#d3adf5", "#ffaba8", "#7fdbe2", "#ffcf85",
    "#b9c4d3", "#ff9fd4", "#c5e075", "#b7b0ff", "#dcc193", "#9bd3ea", "#d9a0a0"];
  var drawn = [];

  function colour(name) {
    return window.getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function percent(value) {
    return new Intl.NumberFormat(document.documentElement.lang, {
      style: "percent",
      maximumFractionDigits: 1,
    }).format(value);
  }

  function number(value) {
    return new Intl.NumberFormat(document.documentElement.lang).format(value);
  }

  function base(chart) {
    var ink = colour("--ink");
    var line = colour("--line");
    var axis = { axisLine: { lineStyle: { color: line } }, axisLabel: { color: ink },
      splitLine: { lineStyle: { color: line } } };
    return {
      animation: false,
      color: dark.matches ? DARK : LIGHT,
      textStyle: { color: ink, fontFamily: "system-ui, sans-serif" },
      // Drawn on the canvas: HTML would bring styles that the page does not allow.
      tooltip: { trigger: "axis", renderMode: "richText", confine: true,
        backgroundColor: colour("--sheet"), borderColor: line, textStyle: { color: ink } },
      legend: { type: "scroll", bottom: 0, textStyle: { color: ink },
        pageTextStyle: { color: ink }, pageIconColor: ink },
      grid: { left: 8, right: 24, top: 24, bottom: 40, containLabel: true },
      xAxis: Object.assign({ type: "category", data: chart.names }, axis),
      yAxis: Object.assign({ type: "value", minInterval: chart.unit === "count" ? 1 : 0 }, axis),
    };
  }

  function stack(chart) {
    var option = base(chart);
    option.tooltip.valueFormatter = number;
    option.series = chart.series.map(function (row) {
      return { name: row.name, type: "bar", stack: "all", data: row.values, part: row.part };
    });
    if (option.series.length && (chart.marks.length || chart.lines.length)) {
      option.series[0].markPoint = {
        symbol: "pin", symbolSize: 34, silent: true,
        label: { formatter: "!", color: colour("--paper") },
        itemStyle: { color: colour("--bad") },
        data: chart.marks.map(function (mark) {
          var total = chart.series.reduce(function (sum, row) {
            return sum + row.values[mark.at];
          }, 0);
          return { name: mark.text, coord: [mark.at, total] };
        }),
      };
      option.series[0].markLine = {
        symbol: "none", silent: true,
        label: { formatter: "{b}", color: colour("--ink") },
        lineStyle: { color: colour("--warn"), type: "dashed" },
        data: chart.lines.map(function (mark) {
          return { name: mark.text, xAxis: mark.at };
        }),
      };
    }
    return option;
  }

  // Low, share and high of each row, by column; a dash where there is none.
  function column(chart, at) {
    return chart.series[0].values.map(function (row) {
      return row ? row[at] : "-";
    });
  }

  function widths(chart) {
    return chart.series[0].values.map(function (row) {
      return row ? row[2] - row[0] : "-";
    });
  }

  function told(chart) {
    return function (points) {
      var at = points[0].dataIndex;
      var row = chart.series[0].values[at];
      if (!row) return chart.names[at];
      return [
        chart.names[at],
        holder.dataset.share + ": " + percent(row[1]),
        holder.dataset.low + ": " + percent(row[0]),
        holder.dataset.high + ": " + percent(row[2]),
      ].join("\n");
    };
  }

  function band(chart) {
    var option = base(chart);
    var clear = { opacity: 0 };
    option.legend = undefined;
    option.grid.bottom = 8;
    option.tooltip.formatter = told(chart);
    option.yAxis.axisLabel = { color: colour("--ink"), formatter: percent };
    option.series = [
      { type: "line", stack: "interval", data: column(chart, 0), lineStyle: clear, symbol: "none",
        silent: true },
      { type: "line", stack: "interval", data: widths(chart), lineStyle: clear, symbol: "none",
        silent: true, areaStyle: { opacity: 0.25, color: option.color[0] } },
      { type: "line", data: column(chart, 1), symbolSize: 8, lineStyle: { color: option.color[0] },
        itemStyle: { color: option.color[0] } },
    ];
    return option;
  }

  function intervals(chart) {
    var option = base(chart);
    var values = option.yAxis;
    option.legend = undefined;
    option.grid.bottom = 8;
    option.tooltip.formatter = told(chart);
    values.axisLabel = { color: colour("--ink"), formatter: percent };
    option.yAxis = Object.assign(option.xAxis, { inverse: true });
    option.xAxis = values;
    option.series = [
      { type: "bar", stack: "interval", data: column(chart, 0), silent: true,
        itemStyle: { color: "transparent" } },
      { type: "bar", stack: "interval", data: widths(chart), barMaxWidth: 12,
        itemStyle: { color: option.color[0], opacity: 0.35 } },
      { type: "scatter", data: column(chart, 1), symbolSize: 10,
        itemStyle: { color: option.color[0] } },
    ];
    return option;
  }

  var WAYS = { stack: stack, band: band, intervals: intervals };

  function go(chart, event) {
    var href = chart.hrefs[event.dataIndex];
    if (!href || event.componentType !== "series") return;
    var url = new URL(href, window.location.href);
    var row = chart.series[event.seriesIndex];
    if (chart.part_name && row) {
      if (row.part === "*") return; // many parts together have no list
      url.searchParams.set(chart.part_name, row.part);
    }
    window.location.assign(url.pathname + url.search);
  }

  function draw(chart) {
    var element = document.getElementById("chart-" + chart.key);
    if (!element) return;
    element.hidden = false;
    if (chart.kind === "intervals" && chart.names.length > 12) element.dataset.tall = "";
    var picture = window.echarts.init(element, null, { renderer: "canvas" });
    picture.setOption(WAYS[chart.kind](chart));
    picture.on("click", function (event) {
      go(chart, event);
    });
    var button = holder.querySelector('[data-png="' + chart.key + '"]');
    if (button) {
      button.hidden = false;
      button.onclick = function () {
        save(element, chart.key);
      };
    }
    element.dataset.drawn = "yes";
    drawn.push({ picture: picture, chart: chart });
  }

  function ask(more) {
    return fetch(holder.dataset.source + more, {
      headers: { Accept: "application/json" }, credentials: "same-origin",
    }).then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    });
  }

  function failed() {
    said.textContent = holder.dataset.failed;
  }

  // A picture is a file: it is drawn anew, without what must not leave the console.
  function save(element, key) {
    ask("&file=1").then(function (found) {
      var chart = found.charts.find(function (row) {
        return row.key === key;
      });
      var picture = window.echarts.init(document.createElement("div"), null, {
        renderer: "canvas", width: element.clientWidth, height: element.clientHeight,
      });
      picture.setOption(WAYS[chart.kind](chart));
      var link = document.createElement("a");
      link.href = picture.getDataURL({
        type: "png", pixelRatio: 2, backgroundColor: colour("--paper"),
      });
      link.download = "triage-" + key + ".png";
      link.click();
      picture.dispose();
    }).catch(failed);
  }

  window.addEventListener("resize", function () {
    drawn.forEach(function (row) {
      row.picture.resize();
    });
  });
  dark.addEventListener("change", function () {
    drawn.forEach(function (row) {
      row.picture.setOption(WAYS[row.chart.kind](row.chart), true);
    });
  });

  // The link of a chart is copied where the browser allows it, and followed where not.
  holder.addEventListener("click", function (event) {
    var link = event.target.closest("a[data-copy]");
    if (!link || !navigator.clipboard || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    navigator.clipboard.writeText(link.href).then(function () {
      said.textContent = link.dataset.copy;
    }, function () {
      window.location.assign(link.href);
    });
  });

  ask("").then(function (found) {
    found.charts.forEach(draw);
  }).catch(failed);
})();
