/* SPDX-License-Identifier: MIT */
/*
 * JSON, written as it comes: a member or element to a line, nested ones indented by two more blanks.
 *
 *     struct json json = json_start(stdout);
 *     json_open(&json, NULL, '{');
 *     json_string(&json, "name", "PoCL");
 *     json_close(&json);
 *
 * Within an array the key is NULL. Errors of the stream are for its owner to see.
 */
#ifndef CLBN_TOOL_JSON_H
#define CLBN_TOOL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { JSON_DEPTH = 8 };

struct json {
    FILE *stream;
    unsigned depth;
    bool empty;               /* Nothing stands yet in what was opened last. */
    char closing[JSON_DEPTH]; /* '}' or ']' of what is open */
};

struct json json_start(FILE *stream);

/* Opens an object, '{', or an array, '['; at most JSON_DEPTH may be open. */
void json_open(struct json *json, const char *key, char bracket);

/* Closes what was opened last; a new line follows the outermost. */
void json_close(struct json *json);

/* Bytes that are not UTF-8, which a driver's text may hold, become '?'. NULL becomes null. */
void json_string(struct json *json, const char *key, const char *text);

void json_bool(struct json *json, const char *key, bool value);
void json_integer(struct json *json, const char *key, unsigned long long value);

/* Nine digits; what is not finite becomes null. */
void json_real(struct json *json, const char *key, double value);

/* An array of sizes, on one line. */
void json_sizes(struct json *json, const char *key, const size_t *sizes, size_t count);

#endif
