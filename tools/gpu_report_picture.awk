# Bar charts as SVG, one for each operation and type, of the records of the first file that bench_records.awk reads, and of
# the others for the same cases: GB/s on the device of clbn and PyTorch, and the limit as a line. For tools/gpu-report.sh.

function finish_record(    chart, category, rate) {
    chart = op " " type
    category = size " " layout
    rate = device > 0 ? 1e-9 * bytes / device : 0
    if (FILENAME == first_file) {
        if (!(chart in known_charts)) {
            known_charts[chart] = 1
            charts[++chart_count] = chart
        }
        if (!(category in known_categories)) {
            known_categories[category] = 1
            categories[++category_count] = category
        }
    }
    if (impl ~ /^(copy|triad)/)
        impl = "limit"
    if (rate > rates[chart, category, impl])
        rates[chart, category, impl] = rate
    if (FILENAME == first_file && rate > greatest)
        greatest = rate
}

function draw_bar(x, width, height, colour) {
    if (height > 0)
        printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, base - height, width, height,
            colour
}

function draw_text(x, y, anchor, text) {
    printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, text
}

function draw_chart(chart,    i, j, category, x, height) {
    draw_text(LEFT, base - HEIGHT - 8, "start", chart ": GB/s of the bytes that must move, on the device")
    for (i = 0; i <= 4; i++) {
        height = HEIGHT * i / 4
        printf "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#dddddd\"/>\n", LEFT, base - height,
            LEFT + GROUP * category_count, base - height
        draw_text(LEFT - 4, base - height + 4, "end", sprintf("%.0f", top * i / 4))
    }
    for (i = 1; i <= category_count; i++) {
        category = categories[i]
        x = LEFT + GROUP * (i - 1) + 4
        for (j = 1; j <= 3; j++)
            draw_bar(x + (j - 1) * BAR, BAR - 1, HEIGHT * rates[chart, category, implementations[j]] / top, colours[j])
        height = HEIGHT * rates[chart, category, "limit"] / top
        if (height > 0)
            printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#000000\" stroke-width=\"2\"/>\n", x - 2,
                base - height, x + 3 * BAR + 2, base - height
        printf "<text transform=\"translate(%.1f %.1f) rotate(-40)\" text-anchor=\"end\">%s</text>\n", x + 1.5 * BAR, base + 14,
            category
    }
}

BEGIN {
    LEFT = 110
    BAR = 14
    GROUP = 3 * BAR + 12
    HEIGHT = 180
    PITCH = HEIGHT + 130
    first_file = ARGV[1]
    split("clbn torch-cudnn torch-native", implementations, " ")
    split("#0072b2 #d55e00 #e69f00", colours, " ")
}

END {
    top = greatest > 0 ? greatest * 1.05 : 1
    width = LEFT + GROUP * category_count + 20
    if (width < 640)
        width = 640
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"11\">\n",
        width, 40 + PITCH * chart_count
    print "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"
    for (j = 1; j <= 3; j++) {
        printf "<rect x=\"%d\" y=\"10\" width=\"12\" height=\"12\" fill=\"%s\"/>\n", LEFT + 110 * (j - 1), colours[j]
        draw_text(LEFT + 110 * (j - 1) + 16, 20, "start", implementations[j])
    }
    printf "<line x1=\"%d\" y1=\"16\" x2=\"%d\" y2=\"16\" stroke=\"#000000\" stroke-width=\"2\"/>\n", LEFT + 330, LEFT + 346
    draw_text(LEFT + 350, 20, "start", "limit: moving bytes")
    for (i = 1; i <= chart_count; i++) {
        base = 40 + PITCH * (i - 1) + HEIGHT + 24
        draw_chart(charts[i])
    }
    print "</svg>"
}
