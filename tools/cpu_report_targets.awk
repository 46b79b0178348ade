# What clbn is to reach on CPUs, and what it reaches, of the records that bench_records.awk reads: of a first file with float32 beside
# oneDNN, and a second with 16-bit types beside float32, and of further runs that give two files each. For tools/cpu-report.sh.
#
# A row's number is how many times as fast as the target's yardstick it is. Where it falls short, the row is still at the floor if
# kernels that walk over its tensors as it must, with the least of arithmetic, take 0.9 of its time or more; and if these fall short,
# too, so must it. All ratios are of times of one run; of several runs, each number is the median.

# Of the cache that OpenCL tells of, no more than some bytes to a core count: more is that of a large processor, of which the device
# is a part that others use, too.

BEGIN {
    AT_THE_FLOOR = 0.9
    CACHE_OF_A_CORE = 16 * 1024 * 1024
}

# Cases of a run's second file have a name of their own.
FNR == 1 {
    has_types = files++ % 2
    run = int((files + 1) / 2)
    part = has_types ? "types: " : ""
}
/"compute_units":/ { cores = value($0) + 0 }
/"cache_bytes":/ { cache_size = value($0) + 0 }
!has_types && /"plan_median_s":/ { plan_time[run] = value($0) + 0 }
!has_types && /"first_plan_of_kind_cached_median_s":/ { cached_time[run] = value($0) + 0 }
!has_types && /"(nothing|small_calls|floor_of_small_calls)":/ { calls = call = object_name($0) }
!has_types && /"(forward|backward|inference)":/ { call = calls " " object_name($0) }
!has_types && /"enqueue_median_s":/ { enqueue_time[call, run] = value($0) + 0 }
!has_types && /"call_median_s":/ { call_time[call, run] = value($0) + 0 }
/"kernels":/ { kernels = value($0) }

function object_name(line) {
    sub(/^ *"/, "", line)
    sub(/".*/, "", line)
    return line
}

function finish_record(    key) {
    key = part op "  " size "  " layout "  " type
    if (!(key in op_of)) {
        order[++cases] = key
        part_of[key] = part
        op_of[key] = op
        size_of[key] = size
        layout_of[key] = layout
        type_of[key] = type
    }
    if (impl == "clbn") {
        bytes_of[key] = bytes
        kernels_of[key] = kernels
    }
    if (impl ~ /^(copy|triad)/)
        keep_better(limit, key, median)
    else if (impl ~ /^floor/)
        keep_better(floor, key, median)
    else
        times[key, impl, run] = median
}

function keep_better(best, key, seconds) {
    if (!((key, run) in best) || seconds < best[key, run])
        best[key, run] = seconds
}

# Seconds that the floor's kernels take; without kernels of its own, as long as the limit's.
function floor_of(key, run) {
    return (key, run) in floor ? floor[key, run] : limit[key, run]
}

# Of so many numbers, from 1 on, which are put in order.
function median_of(numbers, count,    i, j, number) {
    for (i = 2; i <= count; i++) {
        number = numbers[i]
        for (j = i - 1; j > 0 && numbers[j] > number; j--)
            numbers[j + 1] = numbers[j]
        numbers[j + 1] = number
    }
    return count > 0 ? (numbers[int((count + 1) / 2)] + numbers[int(count / 2) + 1]) / 2 : 0
}

function begin_target(text, wanted, what) {
    target = text
    goal = wanted
    kind = what
    rows = met = floored = impossible = 0
    logarithms = floor_logarithms = share_logarithms = 0
    least = least_floor = least_share = ""
    missed_count = 0
}

function smaller(a, b) {
    return a == "" || b < a ? b : a
}

# A row, and what it is compared with.
function add_row(key, name,    run, count, yardstick, reached, least_time, number, bound, share) {
    count = 0
    for (run = 1; run <= runs; run++) {
        yardstick = yardstick_of(key, name, run)
        reached = times[key, "clbn", run]
        least_time = floor_of(key, run)
        if (!(yardstick > 0) || !(reached > 0) || !(least_time > 0))
            continue
        row_numbers[++count] = yardstick / reached
        row_bounds[count] = yardstick / least_time
        row_shares[count] = least_time / reached
    }
    if (count == 0)
        return
    number = median_of(row_numbers, count)
    bound = median_of(row_bounds, count)
    share = median_of(row_shares, count)
    rows++
    logarithms += log(number)
    floor_logarithms += log(bound)
    share_logarithms += log(share)
    least = smaller(least, number)
    least_floor = smaller(least_floor, bound)
    least_share = smaller(least_share, share)
    if (number >= goal)
        met++
    else if (share >= AT_THE_FLOOR)
        floored++
    else
        missed[++missed_count] = sprintf("%-44s %6.2f of %s, %.2f of the floor%s", key, number, goal, share,
            bound < goal ? ", which itself has " sprintf("%.2f", bound) : "")
}

function verdict_of(number, share, bound) {
    if (number >= goal)
        return "met"
    if (share >= AT_THE_FLOOR)
        return "at the floor"
    return bound < goal ? "short; so is the floor" : "short"
}

# kind "each": every row counts; "mean": their geometric mean.
function end_target(    mean, i, verdict) {
    if (rows == 0) {
        printf "%-56s %5s %4d  nothing was measured\n", target, goal, rows
        return
    }
    mean = exp(logarithms / rows)
    if (kind == "mean")
        verdict = verdict_of(mean, exp(share_logarithms / rows), exp(floor_logarithms / rows))
    else if (met == rows)
        verdict = "met"
    else if (met + floored == rows)
        verdict = "at the floor"
    else
        verdict = rows - met - floored " short"
    printf "%-56s %5s %4d %4d %4d  %6.2f %6.2f  %6.2f %6.2f  %5.2f %5.2f  %s\n", target, goal, rows, met, floored, least, mean,
        least_floor, exp(floor_logarithms / rows), least_share, exp(share_logarithms / rows), verdict
    for (i = 1; i <= missed_count && kind == "each"; i++)
        short[++short_count] = missed[i]
}

# A target of one number, of which less is better; the floor's, or 0.
function print_cost(text, unit, wanted, reached, bound,    verdict) {
    verdict = "short"
    if (reached <= wanted)
        verdict = "met"
    else if (bound > 0 && reached * AT_THE_FLOOR <= bound)
        verdict = "at the floor"
    printf "%-56s %8s %10.4g %10s  %s\n", text, wanted " " unit, reached, (bound > 0 ? sprintf("%.4g", bound) : "-"), verdict
}

function is_resnet(key) {
    return size_of[key] ~ /^32x(64x112x112|64x56x56|256x56x56|128x28x28|512x28x28|256x14x14|1024x14x14|512x7x7|2048x7x7)$/ &&
        part_of[key] == ""
}

# The seconds that a row is compared with: of "onednn", of its "best" layout, of the "limit", or of clbn in "float32".
function yardstick_of(key, name, run,    what, same, other) {
    what = op_of[key] "  " size_of[key] "  "
    if (name == "limit")
        return limit[key, run]
    if (name == "float32")
        return times[part_of[key] what layout_of[key] "  float32", "clbn", run]
    same = times[key, "onednn", run]
    other = times[what "nhwc  " type_of[key], "onednn", run]
    return name == "best" && other > 0 && other < same ? other : same
}

# Whether one tensor alone is larger than the cache.
function is_large(key) {
    return bytes_of[key] / (op_of[key] == "backward" ? 3 : 2) > smaller(cores * CACHE_OF_A_CORE, cache_size)
}

# Whether a row belongs to a set: "resnet", the "large" ones of these, a 16-bit type, or sizes.
function is_in(key, set) {
    if (set == "resnet")
        return is_resnet(key)
    if (set == "large")
        return is_resnet(key) && is_large(key)
    if (set ~ /^b?float16$/)
        return type_of[key] == set && is_large(key)
    return size_of[key] ~ set
}

function print_target(text, wanted, what, yardstick, set, operations, layouts,    i) {
    begin_target(text, wanted, what)
    for (i = 1; i <= cases; i++)
        if (is_in(order[i], set) && op_of[order[i]] ~ operations && layout_of[order[i]] ~ layouts)
            add_row(order[i], yardstick)
    end_target()
}

# How many times as long as another call one takes, by the same clock.
function ratio_of(of, call, other,    run, count) {
    count = 0
    for (run = 1; run <= runs; run++)
        if (of[other, run] > 0)
            run_ratios[++count] = of[call, run] / of[other, run]
    return median_of(run_ratios, count)
}

function median_time(of,    run) {
    for (run = 1; run <= runs; run++)
        run_times[run] = of[run]
    return median_of(run_times, runs)
}

function print_small(    i, key, many) {
    for (i = 1; i <= cases; i++) {
        key = order[i]
        if (size_of[key] ~ /^(60x100|256x784)$/ && kernels_of[key] ~ / /)
            many = many " " key
    }
    printf "%-56s %s\n", "60x100 and 256x784 in one kernel", many == "" ? "met" : "short:" many
    for (i = 1; i <= 3; i++)
        print_cost("60x100 " operations[i] ", with its wait: times an empty kernel", "x", 1.3,
            ratio_of(call_time, "small_calls " operations[i], "nothing"),
            ratio_of(call_time, "floor_of_small_calls " operations[i], "nothing"))
    for (i = 1; i <= 3; i++)
        print_cost("60x100 " operations[i] ", on the host: times its bare OpenCL calls", "x", 1.3,
            ratio_of(enqueue_time, "small_calls " operations[i], "floor_of_small_calls " operations[i]), 0)
    print_cost("a plan for a new shape", "us", 50, 1e6 * median_time(plan_time), 0)
    print_cost("the first plan of a kind, program in the disk cache", "ms", 20, 1e3 * median_time(cached_time), 0)
}

END {
    runs = int(files / 2)
    if (runs > 1)
        print "Medians of " runs " runs."
    print "Times as fast as the yardstick. met: rows that are. floor: rows that are not, but take no more than 1/0.9 of the time of"
    print "kernels that walk over the same tensors with the least of arithmetic. The floor's numbers are what these kernels would have;"
    print "the share is how near clbn comes to them."
    print ""
    printf "%-56s %5s %4s %4s %4s  %6s %6s  %6s %6s  %5s %5s  %s\n", "target", "goal", "rows", "met", "flr", "least", "mean",
        "floor", "mean", "share", "mean", "verdict"
    split("forward backward inference", operations, " ")
    for (i = 1; i <= 3; i++)
        print_target("ResNet-50, NCHW, " operations[i] ": oneDNN's NCHW", 4, "each", "onednn", "resnet", operations[i], "nchw")
    for (i = 1; i <= 3; i++)
        print_target("ResNet-50, NHWC, " operations[i] ": oneDNN's NHWC, mean", 1.5, "mean", "onednn", "resnet", operations[i],
            "nhwc")
    for (i = 1; i <= 3; i++)
        print_target("ResNet-50, NHWC, " operations[i] ": oneDNN's NHWC, each", 1, "each", "onednn", "resnet", operations[i],
            "nhwc")
    for (i = 1; i <= 3; i++)
        print_target("ResNet-50, NCHW, " operations[i] ": oneDNN's best, mean", 1.3, "mean", "best", "resnet", operations[i],
            "nchw")
    print_target("larger than the cache, NCHW, forward: the limit", 0.8, "each", "limit", "large", "forward", "nchw")
    print_target("larger than the cache, inference: the limit", 0.9, "each", "limit", "large", "inference", "nchw|nhwc")
    print_target("4096x4096, 8192x1024: oneDNN", 1.3, "each", "onednn", "^(4096x4096|8192x1024)$", ".", ".")
    print_target("1x64x112x112, 32x3x224x224: the limit", 0.6, "each", "limit", "^(1x64x112x112|32x3x224x224)$", ".", ".")
    print_target("float16, from memory: times as fast as float32", 1.5, "each", "float32", "float16", ".", ".")
    print_target("bfloat16, from memory: times as fast as float32", 1.5, "each", "float32", "bfloat16", ".", ".")
    print ""
    printf "%-56s %8s %10s %10s  %s\n", "target", "at most", "reached", "the floor", "verdict"
    print_small()
    if (short_count > 0)
        print "\nRows that fall short, and are not at the floor:"
    for (i = 1; i <= short_count; i++)
        print short[i]
}
