# Of the devices that 'clbn devices --json' lists: the index, a tab and the name of the first that is wanted: GPU, CPU, or a part of a
# name. Nothing where there is none.

function text(line) {
    sub(/^[^:]*: "?/, "", line)
    sub(/"?,?$/, "", line)
    return line
}

/"index":/ { index_of = text($0) }
/"name":/ { name = text($0) }
/"kind":/ {
    kind = text($0)
    if ((wanted == "GPU" || wanted == "CPU") ? kind == wanted : index(tolower(name), tolower(wanted)) > 0) {
        print index_of "\t" name
        exit
    }
}
