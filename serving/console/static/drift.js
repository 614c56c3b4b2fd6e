// The charts of the drift page: how strong each day's change is, and the line an alarm needs.
// Without this script the tables hold everything.
(function () {
  "use strict";

  var holder = document.getElementById("charts");
  if (!holder || !window.echarts) return;
  var said = document.getElementById("charts-said");
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var drawn = [];

  function colour(name) {
    return window.getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function number(value) {
    return new Intl.NumberFormat(document.documentElement.lang, {
      maximumFractionDigits: 1,
    }).format(value);
  }

  function line(row) {
    var isLimit = row.part === "limit";
    var ink = isLimit ? colour("--bad") : dark.matches ? "#8cc4ff" : "#0b5cad";
    return {
      name: row.name,
      type: "line",
      symbol: isLimit ? "none" : "circle",
      symbolSize: 5,
      lineStyle: { color: ink, type: isLimit ? "dashed" : "solid" },
      itemStyle: { color: ink },
      data: row.values.map(function (value) {
        return value === null ? "-" : value;
      }),
    };
  }

  function option(chart) {
    var ink = colour("--ink");
    var rule = colour("--line");
    var axis = { axisLine: { lineStyle: { color: rule } }, axisLabel: { color: ink },
      splitLine: { lineStyle: { color: rule } } };
    return {
      animation: false,
      textStyle: { color: ink, fontFamily: "system-ui, sans-serif" },
      // Drawn on the canvas: HTML would bring styles that the page does not allow.
      tooltip: { trigger: "axis", renderMode: "richText", confine: true, valueFormatter: number,
        backgroundColor: colour("--sheet"), borderColor: rule, textStyle: { color: ink } },
      legend: { bottom: 0, textStyle: { color: ink } },
      grid: { left: 8, right: 16, top: 12, bottom: 32, containLabel: true },
      xAxis: Object.assign({ type: "category", data: chart.names }, axis),
      yAxis: Object.assign({ type: "value", min: 0 }, axis),
      series: chart.series.map(line),
    };
  }

  function draw(chart) {
    var element = document.getElementById("chart-" + chart.key);
    if (!element) return;
    element.hidden = false;
    var picture = window.echarts.init(element, null, { renderer: "canvas" });
    picture.setOption(option(chart));
    element.dataset.drawn = "yes";
    drawn.push({ picture: picture, chart: chart });
  }

  window.addEventListener("resize", function () {
    drawn.forEach(function (row) {
      row.picture.resize();
    });
  });
  dark.addEventListener("change", function () {
    drawn.forEach(function (row) {
      row.picture.setOption(option(row.chart), true);
    });
  });

  fetch(holder.dataset.source, {
    headers: { Accept: "application/json" }, credentials: "same-origin",
  }).then(function (answer) {
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }).then(function (found) {
    found.charts.forEach(draw);
  }).catch(function () {
    said.textContent = holder.dataset.failed;
  });
})();
