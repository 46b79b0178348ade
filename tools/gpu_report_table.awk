# A table of the records that bench_records.awk reads: a line for each case, with the times of clbn, of PyTorch, and of the
# kernels that only move bytes. For tools/gpu-report.sh.

# "-" for what was not measured.
function milliseconds(seconds) {
    return seconds > 0 ? sprintf("%.4f", 1e3 * seconds) : "-"
}

function rate(bytes, seconds) {
    return seconds > 0 ? 1e-9 * bytes / seconds : 0
}

function ratio(theirs, ours) {
    return theirs > 0 && ours > 0 ? sprintf("%.2fx", theirs / ours) : "-"
}

function put(name, number) {
    return number > 0 ? sprintf(name, number) : "-"
}

function finish_record(    key, moved) {
    key = sprintf("%-9s  %-17s %-6s %-8s", op, size, layout, type)
    if (!(key in known)) {
        known[key] = 1
        order[++cases] = key
    }
    moved = rate(bytes, device)
    if (impl ~ /^(copy|triad)/) {
        if (moved > limit[key])
            limit[key] = moved
    } else {
        seconds[key, impl] = device
        wall[key, impl] = median
        if (impl == "clbn")
            work[key] = bytes
    }
}

# A summary of how many times as fast as another implementation, by operation, layout and type.
function count_ratio(key, other,    parts, group) {
    if (!(seconds[key, other] > 0) || !(seconds[key, "clbn"] > 0))
        return
    split(key, parts, " +")
    group = sprintf("%-9s  %-6s %-8s against %s", parts[1], parts[3], parts[4], other)
    if (!(group in groups)) {
        groups[group] = ++group_count
        group_names[group_count] = group
    }
    sums[group] += log(seconds[key, other] / seconds[key, "clbn"])
    counts[group]++
}

END {
    print "Times on the device in ms, of calls that follow each other; wall: of a call with its wait. Limit: a kernel that only"
    print "moves the bytes. The last columns are how many times as fast as PyTorch clbn is."
    print ""
    printf "%-9s  %-17s %-6s %-8s %9s %9s %8s %8s %11s %11s %9s %9s\n", "op", "shape", "layout", "type", "device", "wall",
        "GB/s", "of limit", "torch cuDNN", "torch alone", "to cuDNN", "to alone"
    for (i = 1; i <= cases; i++) {
        key = order[i]
        ours = seconds[key, "clbn"]
        gigabytes = rate(work[key], ours)
        printf "%s %9s %9s %8s %8s %11s %11s %9s %9s\n", key, milliseconds(ours), milliseconds(wall[key, "clbn"]),
            put("%.1f", gigabytes), put("%.2f", limit[key] > 0 ? gigabytes / limit[key] : 0),
            milliseconds(seconds[key, "torch-cudnn"]), milliseconds(seconds[key, "torch-native"]),
            ratio(seconds[key, "torch-cudnn"], ours), ratio(seconds[key, "torch-native"], ours)
        count_ratio(key, "torch-cudnn")
        count_ratio(key, "torch-native")
    }
    if (group_count > 0)
        print "\nGeometric means of how many times as fast as PyTorch:"
    for (i = 1; i <= group_count; i++)
        printf "%s: %.2fx over %d shapes\n", group_names[i], exp(sums[group_names[i]] / counts[group_names[i]]),
            counts[group_names[i]]
}
