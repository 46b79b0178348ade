/* SPDX-License-Identifier: MIT */
/* The progress bar, on terminals of any width and none. */
#define _XOPEN_SOURCE   700
#define _DEFAULT_SOURCE /* TIOCSWINSZ */

#include "io/progress.h"
#include "suite_runner.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static char shown[4096];

/* What the bar writes to a terminal of that width, of which half is done. */
static void show(unsigned short columns, const char *kind)
{
    const struct timespec redraw = { 0, 150000000 }; /* longer than a bar stays as it is */
    struct winsize size = { .ws_row = 24, .ws_col = columns };
    struct progress progress;
    int terminal = posix_openpt(O_RDWR | O_NOCTTY), side, old = dup(STDERR_FILENO);
    ssize_t length;

    ck_assert(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    side = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    ck_assert(side >= 0 && ioctl(side, TIOCSWINSZ, &size) == 0);
    ck_assert_int_ge(dup2(side, STDERR_FILENO), 0);
    ck_assert_int_eq(setenv("TERM", kind, 1), 0);
    progress_start(&progress, "measuring", 100);
    nanosleep(&redraw, NULL);
    progress_update(&progress, 50);
    dup2(old, STDERR_FILENO);
    ck_assert_int_eq(fcntl(terminal, F_SETFL, O_NONBLOCK), 0);
    length = read(terminal, shown, sizeof(shown) - 1);
    shown[length > 0 ? length : 0] = '\0';
    close(side);
    close(terminal);
    close(old);
}

START_TEST(fits_the_terminal)
{
    static const unsigned short widths[] = { 200, 80, 60, 40, 33, 20, 10, 2, 0 }; /* 0: it does not tell */

    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        size_t length;

        show(widths[i], "xterm");
        ck_assert_int_eq(shown[0], '\r');
        length = strcspn(shown + 1, "\033");
        ck_assert_msg(length > 0 && length < (widths[i] > 0 ? widths[i] : 80), "%u columns: %s", widths[i], shown + 1);
        ck_assert_str_eq(shown + 1 + length, "\033[K");
        if (widths[i] == 0 || widths[i] >= 80) {
            ck_assert_ptr_nonnull(strstr(shown, "[###############...............]  50 %, 0:00 left"));
        }
    }
}
END_TEST

START_TEST(is_silent_where_nothing_can_be_erased)
{
    show(80, "dumb");
    ck_assert_str_eq(shown, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("progress");
    TCase *bar = tcase_create("bar");

    tcase_add_test(bar, fits_the_terminal);
    tcase_add_test(bar, is_silent_where_nothing_can_be_erased);
    suite_add_tcase(suite, bar);
    return run_in_one_process(suite);
}
