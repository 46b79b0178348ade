# Reads records of JSON files with one member to a line, as 'clbn bench --json' writes them. For each it
# sets op, size, layout, type, impl, median, device and bytes, and calls finish_record(), which another file defines.

function value(line) {
    sub(/^[^:]*: */, "", line)
    sub(/,$/, "", line)
    gsub(/"/, "", line)
    return line
}

function shape(line) {
    line = value(line)
    gsub(/[^0-9,]/, "", line)
    gsub(/,/, "x", line)
    return line
}

/"op":/ { op = value($0) }
/"shape":/ { size = shape($0) }
/"layout":/ { layout = value($0) }
/"type":/ { type = value($0) }
/"impl":/ { impl = value($0) }
/"median_s":/ { median = value($0) + 0 } # null becomes 0
/"device_s":/ { device = value($0) + 0 }
/"bytes":/ { bytes = value($0) + 0 }
/^ *}/ && impl != "" {
    finish_record()
    impl = ""
}
