// What charts of every page have in common: colours, numbers, axes, and how they come and go. A
// page's own script says what is drawn. Without scripts the tables hold everything.
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

  // As the reader's language writes them.
  function numbers(options) {
    var words = new Intl.NumberFormat(document.documentElement.lang, options);
    return function (value) {
      return words.format(value);
    };
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
      yAxis: Object.assign({ type: "value" }, axis),
    };
  }

  function ask(more) {
    return fetch(holder.dataset.source + more, {
      headers: { Accept: "application/json" }, credentials: "same-origin",
    }).then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    }).then(function (found) {
      return found.charts;
    });
  }

  function failed() {
    said.textContent = holder.dataset.failed;
  }

  function draw(chart, optionOf) {
    var element = document.getElementById("chart-" + chart.key);
    if (!element) return null;
    element.hidden = false;
    if (chart.kind === "intervals" && chart.names.length > 12) element.dataset.tall = "";
    var picture = window.echarts.init(element, null, { renderer: "canvas" });
    picture.setOption(optionOf(chart));
    element.dataset.drawn = "yes";
    drawn.push(function () {
      picture.setOption(optionOf(chart), true);
    });
    window.addEventListener("resize", function () {
      picture.resize();
    });
    return { element: element, picture: picture };
  }

  // Draw what the server gives. `optionOf` turns a chart into what ECharts draws; `then`, if
  // given, gets each chart with its element and picture.
  function start(optionOf, then) {
    dark.addEventListener("change", function () {
      drawn.forEach(function (again) {
        again();
      });
    });
    ask("").then(function (charts) {
      charts.forEach(function (chart) {
        var place = draw(chart, optionOf);
        if (place && then) then(chart, place);
      });
    }).catch(failed);
  }

  window.consoleCharts = { holder: holder, said: said, colour: colour, numbers: numbers,
    base: base, ask: ask, failed: failed, start: start };
})();
