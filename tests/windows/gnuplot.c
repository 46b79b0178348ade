/* SPDX-License-Identifier: MIT */
/* Stands in for gnuplot: its picture is the script. */
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    int byte;
    if (argc != 2 || strcmp(argv[1], "-d") != 0)
        return 1;
    _setmode(0, _O_BINARY);
    _setmode(1, _O_BINARY);
    while ((byte = getchar()) != EOF)
        putchar(byte);
    return fflush(stdout) != 0;
}
