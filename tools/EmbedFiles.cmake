# SPDX-License-Identifier: MIT
# Turns files into one C source with a table of them: cmake -DOUTPUT=o.c -DTABLE=name -DHEADER=h.h "-DFILES=a;b=X+Y" -P EmbedFiles.cmake
# The bytes are copied as numbers, so that no character of a file needs quoting. HEADER declares struct embedded_file and TABLE, and
# SOURCE_X for each word X behind a "=".
set(text "/* Generated from the files named below: do not edit. */\n#include \"${HEADER}\"\n\n#include <stddef.h>\n\n")
set(rows "")
foreach(entry IN LISTS FILES)
    string(REGEX REPLACE "=.*" "" file "${entry}")
    set(needs 0)
    if(entry MATCHES "=(.*)")
        string(REPLACE "+" " | SOURCE_" needs "SOURCE_${CMAKE_MATCH_1}")
    endif()
    get_filename_component(name "${file}" NAME)
    string(MAKE_C_IDENTIFIER "${name}" symbol)
    file(READ "${file}" bytes HEX)
    string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND text "static const unsigned char ${symbol}[] = {\n${bytes}0x00};\n\n")
    string(APPEND rows "    { \"${name}\", ${symbol}, sizeof(${symbol}) - 1, ${needs} },\n")
endforeach()
string(APPEND text "const struct embedded_file ${TABLE}[] = {\n${rows}    { NULL, NULL, 0, 0 },\n};\n")
file(WRITE "${OUTPUT}" "${text}")
