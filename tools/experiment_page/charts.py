# SPDX-License-Identifier: MIT
"""Charts as SVG that takes its colours from the page, so that they are right on a light and on a dark background."""
import html
import math

WIDTH, HEIGHT = 380, 280
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 34, 42


def text(x, y, words, kind="", anchor="middle"):
    return '<text x="%.1f" y="%.1f" text-anchor="%s" class="%s">%s</text>' % (x, y, anchor, kind, html.escape(words))


def ticks(least, greatest):
    """Round numbers from least to greatest, some five of them."""
    step = 10 ** math.floor(math.log10((greatest - least) / 4))
    step = next(step * factor for factor in (1, 2, 5, 10) if (greatest - least) / (step * factor) <= 6)
    return [i * step for i in range(math.ceil(least / step - 1e-9), math.floor(greatest / step + 1e-9) + 1)]


def label(value):
    return "%gk" % (value / 1000) if abs(value) >= 1000 else "%g" % round(value, 9)


def frame(title, x_label, body, width=WIDTH):
    """title and x_label are drawn; the title is what a screen reader reads, too."""
    return ('<svg viewBox="0 0 %d %d" width="%d" role="img" aria-label="%s">%s%s%s</svg>'
            % (width, HEIGHT, width, html.escape(title, quote=True), text(width / 2, 18, title, "title"), "".join(body),
               text((LEFT + width - RIGHT) / 2, HEIGHT - 6, x_label)))


def y_axis(least, greatest, y_label, width=WIDTH):
    """The drawing of the axis, and where a value lies."""
    def at(value):
        return TOP + (HEIGHT - TOP - BOTTOM) * (greatest - value) / (greatest - least)

    body = ['<path class="grid" d="M%d %.1fH%d"/>%s' % (LEFT, at(tick), width - RIGHT, text(LEFT - 6, at(tick) + 4, label(tick), "", "end"))
            for tick in ticks(least, greatest)]
    middle = (TOP + HEIGHT - BOTTOM) / 2
    body.append('<text transform="translate(12 %.1f) rotate(-90)" text-anchor="middle">%s</text>' % (middle, html.escape(y_label)))
    return body, at


def legend(names, y, width=WIDTH):
    """names: [(colour, name)], in one row below the plot's right corner or above it."""
    body = []
    x = LEFT + 10
    for colour, name in names:
        body.append('<path class="line %s" d="M%.1f %.1fh18"/>%s' % (colour, x, y - 4, text(x + 22, y, name, "", "start")))
        x += 40 + 6.6 * len(name)
    return body


def lines(title, x_label, y_label, series, y_range=None):
    """series: dictionaries of colour, x, y, and where there are name, low and high, which make a band. None leaves a gap."""
    values = [v for one in series for name in ("y", "low", "high") for v in one.get(name) or [] if v is not None]
    least, greatest = y_range or (min(values), max(values))
    greatest = greatest if greatest > least else least + 1
    x_least = min(min(one["x"]) for one in series)
    x_greatest = max(max(one["x"]) for one in series) or 1
    body, at = y_axis(least, greatest, y_label)

    def x_at(value):
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - x_least) / ((x_greatest - x_least) or 1)

    def points(xs, ys):
        return ["%.1f %.1f" % (x_at(x), at(y)) for x, y in zip(xs, ys) if y is not None]

    body += [text(x_at(tick), HEIGHT - BOTTOM + 16, label(tick)) for tick in ticks(x_least, x_greatest)]
    place = (LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM)
    body.append('<svg x="%d" y="%d" width="%d" height="%d" viewBox="%d %d %d %d">' % (place + place)) # which cuts off what is outside
    for one in series:
        if one.get("low"):
            outline = points(one["x"], one["high"]) + points(one["x"], one["low"])[::-1]
            body.append('<path class="band %s" d="M%sZ"/>' % (one["colour"], "L".join(outline)))
    for one in series:
        body.append('<path class="line %s" d="M%s"/>' % (one["colour"], "L".join(points(one["x"], one["y"]))))
    body.append("</svg>")
    body.append('<path class="axis" d="M%d %dV%dH%d"/>' % (LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT))
    names = [(one["colour"], one["name"]) for one in series if one.get("name")]
    return frame(title, x_label, body + legend(names, HEIGHT - BOTTOM - 10))


def bars(title, y_label, categories, series):
    """series: dictionaries of name, colour, and values, one to a category; None leaves a gap."""
    width = max(WIDTH, LEFT + RIGHT + 100 * len(categories))
    greatest = max([v for one in series for v in one["values"] if v is not None] + [1e-9]) * 1.15
    body, at = y_axis(0, greatest, y_label, width)
    room = (width - LEFT - RIGHT) / len(categories)
    bar = 0.8 * room / len(series)
    for i, category in enumerate(categories):
        for j, one in enumerate(series):
            if one["values"][i] is not None:
                x = LEFT + (i + 0.1) * room + j * bar
                body.append('<rect class="bar %s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s, %s: %.3g</title></rect>'
                            % (one["colour"], x, at(one["values"][i]), bar, at(0) - at(one["values"][i]), html.escape(category),
                               html.escape(one["name"]), one["values"][i]))
        body.append(text(LEFT + (i + 0.5) * room, HEIGHT - BOTTOM + 16, category))
    body.append('<path class="axis" d="M%d %dV%dH%d"/>' % (LEFT, TOP, HEIGHT - BOTTOM, width - RIGHT))
    return frame(title, "", body + legend([(one["colour"], one["name"]) for one in series], HEIGHT - 6, width), width)
