// Draws what the element "drawings" holds, with D3 (version 3). Every picture stands in front of a table
// that has the same numbers, so without this script nothing is lost. Text reaches the page as text only.
(function () {
  "use strict";
  var drawings = JSON.parse(document.getElementById("drawings").textContent);
  var kSeries = 6; // colours in the style
  var kFits = "fits";
  var hollow = /predicted|disturbed|tried/;

  function element(name, parent, text) {
    var made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (parent) parent.appendChild(made);
    return made;
  }

  function distinct(values) {
    return values.filter(function (value, i) { return values.indexOf(value) === i; });
  }

  function series_of(chart) { return distinct(chart.marks.map(function (mark) { return mark.series; })); }

  // What is said of a mark, for those who point at it, touch it or come to it by the keyboard.
  function tell(selection, figure, label) {
    selection.attr("tabindex", 0).attr("role", "img").attr("aria-label", label);
    selection.append("title").text(label);
    selection.on("mouseover", show).on("focus", show).on("mouseout", hide).on("blur", hide);
    function show(d) {
      hide();
      var tip = element("div", figure, label(d));
      tip.className = "tip";
      var mark = this.getBoundingClientRect(), frame = figure.getBoundingClientRect();
      var left = Math.min(mark.left - frame.left + 14, frame.width - tip.offsetWidth - 4);
      tip.style.left = Math.max(0, left) + "px";
      tip.style.top = mark.top - frame.top + 14 + "px";
    }
    function hide() {
      var old = figure.querySelector(".tip");
      if (old) figure.removeChild(old);
    }
  }

  function frame_of(figure, drawing, height) {
    var size = { width: Math.max(340, Math.min(920, figure.clientWidth || 720)), height: height };
    var margin = { top: 26, right: 16, bottom: 44, left: 56 };
    var svg = d3.select(figure).append("svg")
      .attr("viewBox", "0 0 " + size.width + " " + size.height).attr("role", "group")
      .attr("aria-label", drawing.title + ", the table behind it has the numbers");
    return {
      svg: svg, left: margin.left, right: size.width - margin.right, top: margin.top,
      bottom: size.height - margin.bottom, width: size.width, height: size.height
    };
  }

  function name_axes(frame, x_title, y_title) {
    frame.svg.append("text").attr("class", "title").attr("text-anchor", "end")
      .attr("x", frame.right).attr("y", frame.height - 8).text(x_title);
    frame.svg.append("text").attr("class", "title").attr("x", 4).attr("y", 11).text(y_title);
  }

  function whole(value) { return value % 1 === 0; }

  function padded(extent, share) {
    if (extent[0] === extent[1]) return [Math.min(0, extent[0]), extent[0] * 2 || 1];
    var room = (extent[1] - extent[0]) * share;
    return [extent[0] - room, extent[1] + room];
  }

  function draw_chart(figure, drawing) {
    var chart = drawing.chart, frame = frame_of(figure, drawing, 340);
    // Of what is too uncertain the interval may be a hundred times as wide as all the rest.
    var heights = [], tallest = 2 * d3.max(chart.marks, function (mark) { return mark.y; });
    chart.marks.forEach(function (mark) {
      heights.push(mark.y, mark.low === null ? mark.y : mark.low);
      if (mark.high !== null) heights.push(Math.max(mark.y, Math.min(mark.high, tallest)));
    });
    chart.rules.forEach(function (rule) { heights.push(rule.y); });
    var y_domain = padded(d3.extent(heights), 0.06);
    if (chart.from_zero) y_domain[0] = 0;
    var x = d3.scale.linear().range([frame.left, frame.right])
      .domain(padded(d3.extent(chart.marks, function (mark) { return mark.x; }), 0.04));
    var y = d3.scale.linear().domain(y_domain).range([frame.bottom, frame.top]).nice();
    var x_axis = d3.svg.axis().scale(x).orient("bottom").ticks(frame.width < 500 ? 5 : 10);
    if (chart.whole_x) x_axis.tickFormat(d3.format("d")).tickValues(x.ticks(frame.width < 500 ? 5 : 10).filter(whole));
    frame.svg.append("g").attr("class", "axis").attr("transform", "translate(0," + frame.bottom + ")").call(x_axis);
    frame.svg.append("g").attr("class", "axis").attr("transform", "translate(" + frame.left + ",0)")
      .call(d3.svg.axis().scale(y).orient("left").ticks(6));
    name_axes(frame, chart.x_title, chart.y_title);

    chart.stripes.forEach(function (stripe) {
      var top = y(stripe.high), bottom = y(stripe.low);
      frame.svg.append("rect").attr("class", "stripe").attr("x", frame.left).attr("width", frame.right - frame.left)
        .attr("y", top).attr("height", Math.max(0, bottom - top));
      frame.svg.append("text").attr("class", "name").attr("x", frame.left + 6).attr("y", top + 14).text(stripe.label);
    });
    chart.rules.forEach(function (rule) {
      frame.svg.append("line").attr("class", "rule").attr("x1", frame.left).attr("x2", frame.right)
        .attr("y1", y(rule.y)).attr("y2", y(rule.y));
      frame.svg.append("text").attr("class", "name").attr("text-anchor", "end")
        .attr("x", frame.right - 4).attr("y", y(rule.y) - 4).text(rule.label);
    });

    var series = series_of(chart);
    // What was measured and chosen lies on top of what was only predicted or tried.
    var order = series.map(function (name, i) { return i; }).sort(function (a, b) {
      return hollow.test(series[b]) - hollow.test(series[a]) || a - b;
    });
    order.forEach(function (i) {
      var name = series[i], colour = "s" + i % kSeries, marks = chart.marks.filter(function (mark) { return mark.series === name; });
      if (chart.lines.indexOf(name) >= 0) {
        var line = d3.svg.line().x(function (mark) { return x(mark.x); }).y(function (mark) { return y(mark.y); });
        frame.svg.append("path").datum(marks.slice().sort(function (a, b) { return a.x - b.x; }))
          .attr("class", "joined " + colour).attr("d", line);
      }
      frame.svg.append("g").selectAll("line")
        .data(marks.filter(function (mark) { return mark.low !== null && mark.high !== null; })).enter()
        .append("line").attr("class", "interval " + colour)
        .attr("x1", function (mark) { return x(mark.x); }).attr("x2", function (mark) { return x(mark.x); })
        .attr("y1", function (mark) { return y(Math.max(mark.low, y.domain()[0])); })
        .attr("y2", function (mark) { return y(Math.min(mark.high, y.domain()[1])); });
      tell(frame.svg.append("g").selectAll("circle").data(marks).enter().append("circle")
        .attr("class", "mark " + colour + (hollow.test(name) ? " hollow" : ""))
        .attr("cx", function (mark) { return x(mark.x); }).attr("cy", function (mark) { return y(mark.y); })
        .attr("r", 4.5), figure, function (mark) { return mark.label; });
    });
    draw_legend(figure, series.map(function (name, i) { return { name: name, look: look_of(name, i) }; }));
  }

  function look_of(name, i) { return "s" + i % kSeries + (hollow.test(name) ? " hollow" : ""); }

  function draw_legend(figure, entries) {
    var legend = element("ul", figure);
    legend.className = "legend";
    entries.forEach(function (entry) {
      var item = element("li", legend);
      element("i", item).className = entry.look;
      item.appendChild(document.createTextNode(entry.name));
    });
  }

  function draw_map(figure, drawing) {
    var map = drawing.map;
    var columns = distinct(map.cells.map(function (cell) { return cell.column; }));
    var rows = distinct(map.cells.map(function (cell) { return cell.row; }));
    var row_height = Math.max(8, Math.min(26, 560 / rows.length));
    var frame = frame_of(figure, drawing, 60 + rows.length * row_height);
    var x = d3.scale.ordinal().domain(columns).rangeBands([frame.left, frame.right]);
    var y = d3.scale.ordinal().domain(rows).rangeBands([frame.top, frame.bottom]);
    var shade = d3.scale.linear().domain(d3.extent(map.cells, function (cell) { return cell.value; })).range([0.06, 0.75]);
    tell(frame.svg.append("g").selectAll("rect")
      .data(map.cells.filter(function (cell) { return cell.value !== null; })).enter().append("rect")
      .attr("class", function (cell) { return "mark-cell cell" + (cell.fits ? " fits" : ""); })
      .attr("x", function (cell) { return x(cell.column) + 1; }).attr("width", x.rangeBand() - 2)
      .attr("y", function (cell) { return y(cell.row) + 1; }).attr("height", y.rangeBand() - 2)
      .attr("fill-opacity", function (cell) { return shade(cell.value); }),
      figure, function (cell) { return cell.label; });
    if (y.rangeBand() >= 14) {
      frame.svg.append("g").selectAll("text").data(map.cells).enter().append("text").attr("class", "cell-text")
        .attr("x", function (cell) { return x(cell.column) + x.rangeBand() / 2; })
        .attr("y", function (cell) { return y(cell.row) + y.rangeBand() / 2 + 4; })
        .text(function (cell) { return cell.value === null ? "" : cell.value.toFixed(2); });
    }
    var every = Math.ceil(14 / y.rangeBand());
    frame.svg.append("g").attr("class", "axis").attr("transform", "translate(0," + frame.bottom + ")")
      .call(d3.svg.axis().scale(x).orient("bottom"));
    frame.svg.append("g").attr("class", "axis").attr("transform", "translate(" + frame.left + ",0)")
      .call(d3.svg.axis().scale(y).orient("left").tickValues(rows.filter(function (row, i) { return i % every === 0; })));
    name_axes(frame, map.x_title, map.y_title);
    draw_legend(figure, [{ name: kFits, look: "framed" }]);
  }

  function shorten(text, width) {
    var said = text.text();
    while (said.length > 1 && text.node().getComputedTextLength() > width) {
      said = said.slice(0, -1);
      text.text(said + "\u2026");
    }
  }

  // What stands around the picture on the page, as part of it: what it is of, above, and what its colours mean,
  // below. Its box is [left, top, width, height].
  function surround(svg, drawing, subtitle) {
    var box = svg.attr("viewBox").split(" ").map(Number), x = 4, y = box[3] + 14, around = svg.append("g");
    around.append("rect").attr("class", "paper");
    shorten(around.append("text").attr("class", "head").attr("x", 4).attr("y", -28).text(drawing.title), box[2] - 8);
    shorten(around.append("text").attr("class", "name").attr("x", 4).attr("y", -11).text(subtitle), box[2] - 8);
    (drawing.chart ? series_of(drawing.chart) : [kFits]).forEach(function (name, i) {
      var item = around.append("g"), text = item.append("text").attr("class", "said").text(name);
      shorten(text, box[2] - 30);
      var width = text.node().getComputedTextLength() + 34;
      if (x > 4 && x + width > box[2]) { x = 4; y += 18; }
      if (drawing.chart) {
        item.append("circle").attr("class", "mark " + look_of(name, i)).attr("cx", x + 6).attr("cy", y - 4).attr("r", 4.5);
      } else {
        item.append("rect").attr("class", "cell fits").attr("fill-opacity", 0).attr("x", x + 1).attr("y", y - 9)
          .attr("width", 10).attr("height", 10);
      }
      text.attr("x", x + 16).attr("y", y);
      x += width;
    });
    box = [0, -46, box[2], y + 56];
    around.select(".paper").attr("x", box[0]).attr("y", box[1]).attr("width", box[2]).attr("height", box[3]);
    return { box: box, around: around };
  }

  // The picture as a file of its own, with the colours it has on the page. XML has no control characters.
  function standing_alone(figure, drawing) {
    var svg = d3.select(figure).select("svg");
    var article = figure.parentNode;
    while (article && article.nodeName !== "ARTICLE") article = article.parentNode;
    var more = surround(svg, drawing, article.querySelector("h2").textContent);
    svg.node().insertBefore(more.around.node(), svg.node().firstChild);
    var copy = svg.node().cloneNode(true);
    var wanted = ["fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray", "font-family",
      "font-size", "font-weight", "text-anchor"];
    var from = svg.node().querySelectorAll("*"), to = copy.querySelectorAll("*");
    for (var i = 0; i < from.length; ++i) {
      var style = getComputedStyle(from[i]);
      wanted.forEach(function (name) { to[i].style.setProperty(name, style.getPropertyValue(name)); });
    }
    more.around.remove();
    copy.setAttribute("viewBox", more.box.join(" "));
    copy.setAttribute("width", more.box[2]);
    copy.setAttribute("height", more.box[3]);
    var text = new XMLSerializer().serializeToString(copy);
    return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd");
  }

  function save(figure, drawing) {
    var link = element("a");
    link.href = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(standing_alone(figure, drawing));
    link.download = drawing.title.toLowerCase().replace(/[^a-z0-9]+/g, "-") + ".svg";
    link.click();
  }

  function draw(figure) {
    var drawing = drawings[figure.getAttribute("data-figure")];
    figure.textContent = "";
    (drawing.chart ? draw_chart : draw_map)(figure, drawing);
    var button = element("button", figure, "Save as SVG");
    button.type = "button";
    button.className = "save";
    button.onclick = function () { save(figure, drawing); };
  }

  function each(selector, visit) { Array.prototype.forEach.call(document.querySelectorAll(selector), visit); }

  function copy_command(button) {
    var code = button.parentNode.querySelector("code");
    var done = function () { button.textContent = "Copied"; };
    var select = function () {
      getSelection().selectAllChildren(code);
      if (document.execCommand("copy")) done();
    };
    if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(done, select);
    else select();
  }

  each("figure.chart", draw);
  each("#picture", function (place) { // of a page that is made for its one picture
    var figure = document.querySelector("figure.chart");
    place.textContent = encodeURIComponent(standing_alone(figure, drawings[figure.getAttribute("data-figure")]));
  });
  each("button.copy", function (button) { button.onclick = function () { copy_command(button); }; });
  var width = innerWidth;
  addEventListener("resize", function () {
    if (innerWidth === width) return;
    width = innerWidth;
    each("figure.chart", draw);
  });
  addEventListener("beforeprint", function () { each("details", function (part) { part.open = true; }); });
}());
