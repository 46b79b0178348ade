/* SPDX-License-Identifier: MIT */
/* The tool's JSON, to the letter. */
#define _POSIX_C_SOURCE 200809L

#include "io/json.h"
#include "suite_runner.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char text[4096];
static FILE *stream;
static struct json json;

static void open_stream(void)
{
    memset(text, 0, sizeof(text));
    stream = fmemopen(text, sizeof(text), "w");
    ck_assert_ptr_nonnull(stream);
    json = json_start(stream);
}

static void expect(const char *expected)
{
    fclose(stream);
    ck_assert_str_eq(text, expected);
}

START_TEST(an_object)
{
    static const size_t sizes[] = { 32, 64, 1 };

    json_open(&json, NULL, '{');
    json_string(&json, "name", "PoCL");
    json_string(&json, "none", NULL);
    json_bool(&json, "yes", true);
    json_bool(&json, "no", false);
    json_integer(&json, "bytes", 18446744073709551615ULL);
    json_real(&json, "seconds", 0.000123456789);
    json_real(&json, "nothing", (double)NAN);
    json_real(&json, "all", HUGE_VAL);
    json_sizes(&json, "shape", sizes, 3);
    json_sizes(&json, "point", sizes, 0);
    json_close(&json);
    expect("{\n  \"name\": \"PoCL\",\n  \"none\": null,\n  \"yes\": true,\n  \"no\": false,\n"
           "  \"bytes\": 18446744073709551615,\n  \"seconds\": 0.000123456789,\n  \"nothing\": null,\n  \"all\": null,\n"
           "  \"shape\": [32, 64, 1],\n  \"point\": []\n}\n");
}
END_TEST

START_TEST(nesting)
{
    json_open(&json, NULL, '{');
    json_open(&json, "empty", '[');
    json_close(&json);
    json_open(&json, "rows", '[');
    json_open(&json, NULL, '{');
    json_integer(&json, "i", 1);
    json_close(&json);
    json_string(&json, NULL, "x");
    json_close(&json);
    json_integer(&json, "n", 2);
    json_close(&json);
    expect("{\n  \"empty\": [],\n  \"rows\": [\n    {\n      \"i\": 1\n    },\n    \"x\"\n  ],\n  \"n\": 2\n}\n");
}
END_TEST

static const struct {
    const char *text, *expected;
} strings[] = {
    { "", "" },
    { "a \"b\" \\ c/", "a \\\"b\\\" \\\\ c/" },
    { "\n\t\x01\x1f\x7f", "\\u000a\\u0009\\u0001\\u001f\x7f" },
    { "\xc3\xa9 \xe2\x82\xac \xf0\x9d\x84\x9e", "\xc3\xa9 \xe2\x82\xac \xf0\x9d\x84\x9e" },
    { "\xed\x9f\xbf \xee\x80\x80 \xf4\x8f\xbf\xbf", "\xed\x9f\xbf \xee\x80\x80 \xf4\x8f\xbf\xbf" },
    { "\xe9t\xe9", "?t?" },               /* Latin-1 */
    { "\x80 \xbf \xff \xfe", "? ? ? ?" }, /* no first bytes */
    { "\xc0\x80 \xc1\xbf", "?? ??" },     /* overlong */
    { "\xe0\x9f\xbf \xf0\x8f\xbf\xbf", "??? ????" },
    { "\xed\xa0\x80", "???" }, /* a surrogate */
    { "\xf4\x90\x80\x80 \xf5\x80\x80\x80", "???? ????" },
    { "\xc3", "?" }, /* cut short */
    { "\xe2\x82", "??" },
    { "\xf0\x9d\x84", "???" },
    { "\xe2\x82\"", "??\\\"" },
};

START_TEST(a_string)
{
    char expected[64];

    json_string(&json, NULL, strings[_i].text);
    snprintf(expected, sizeof(expected), "\"%s\"", strings[_i].expected);
    expect(expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, open_stream, NULL);
    tcase_add_test(all, an_object);
    tcase_add_test(all, nesting);
    tcase_add_loop_test(all, a_string, 0, (int)(sizeof(strings) / sizeof(strings[0])));
    suite_add_tcase(suite, all);
    return run_in_one_process(suite);
}
