// The charts of trends and of automated means. Their numbers come from the server, in words
// already; a click leads to the cases behind a number.
(function () {
  "use strict";

  var charts = window.consoleCharts;
  if (!charts) return;
  var holder = charts.holder;
  var colour = charts.colour;
  var number = charts.numbers({});
  var percent = charts.numbers({ style: "percent", maximumFractionDigits: 1 });

  function stack(chart) {
    var option = charts.base(chart);
    option.tooltip.valueFormatter = number;
    option.yAxis.minInterval = 1;
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
    var option = charts.base(chart);
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
    var option = charts.base(chart);
    var values = option.yAxis;
    option.legend = undefined;
    option.grid.bottom = 8;
    option.tooltip.formatter = told(chart);
    values.axisLabel = { color: colour("--ink"), formatter: percent, hideOverlap: true };
    var names = { color: colour("--ink") };
    if (holder.clientWidth < 500) {
      values.splitNumber = 2;
      // Long names stand on several lines, or a phone has no room for the shares.
      Object.assign(names, { width: Math.round(holder.clientWidth * 0.4), overflow: "break",
        lineHeight: 13 });
    }
    option.yAxis = Object.assign(option.xAxis, { inverse: true, axisLabel: names });
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

  function optionOf(chart) {
    return WAYS[chart.kind](chart);
  }

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

  // A picture is a file: it is drawn anew, without what must not leave the console.
  function save(element, key) {
    charts.ask("&file=1").then(function (found) {
      var chart = found.find(function (row) {
        return row.key === key;
      });
      var picture = window.echarts.init(document.createElement("div"), null, {
        renderer: "canvas", width: element.clientWidth, height: element.clientHeight,
      });
      picture.setOption(optionOf(chart));
      var link = document.createElement("a");
      link.href = picture.getDataURL({
        type: "png", pixelRatio: 2, backgroundColor: colour("--paper"),
      });
      link.download = "triage-" + key + ".png";
      link.click();
      picture.dispose();
    }).catch(charts.failed);
  }

  // The link of a chart is copied where the browser allows it, and followed where not.
  holder.addEventListener("click", function (event) {
    var link = event.target.closest("a[data-copy]");
    if (!link || !navigator.clipboard || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    navigator.clipboard.writeText(link.href).then(function () {
      charts.said.textContent = link.dataset.copy;
    }, function () {
      window.location.assign(link.href);
    });
  });

  charts.start(optionOf, function (chart, place) {
    place.picture.on("click", function (event) {
      go(chart, event);
    });
    var button = holder.querySelector('[data-png="' + chart.key + '"]');
    if (!button) return;
    button.hidden = false;
    button.onclick = function () {
      save(place.element, chart.key);
    };
  });
})();
