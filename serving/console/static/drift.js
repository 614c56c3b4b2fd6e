// The charts of the drift page: how strong each day's change is, and the line an alarm needs.
(function () {
  "use strict";

  var charts = window.consoleCharts;
  if (!charts) return;
  var number = charts.numbers({ maximumFractionDigits: 1 });

  function line(row, ink) {
    var isLimit = row.part === "limit";
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

  charts.start(function (chart) {
    var option = charts.base(chart);
    var inks = { limit: charts.colour("--bad") };
    option.tooltip.valueFormatter = number;
    option.grid = Object.assign(option.grid, { right: 16, top: 12, bottom: 32 });
    option.yAxis.min = 0;
    option.series = chart.series.map(function (row) {
      return line(row, inks[row.part] || option.color[0]);
    });
    return option;
  });
})();
