/* SPDX-License-Identifier: MIT */
#include "io/json.h"

#include <math.h>
#include <string.h>

struct json json_start(FILE *stream)
{
    struct json json = { .stream = stream, .empty = true };

    return json;
}

static void new_line(const struct json *json)
{
    fprintf(json->stream, "\n%*s", (int)(2 * json->depth), "");
}

/* Bytes of the character that begins there: 0 where they are no UTF-8 of RFC 3629. */
static size_t utf8_length(const unsigned char *text)
{
    size_t length = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : text[0] < 0xf5 ? 4 : 0;
    /* Overlong forms, surrogates, and what is beyond U+10FFFF show in the second byte. */
    unsigned least = text[0] == 0xe0 ? 0xa0 : text[0] == 0xf0 ? 0x90 : 0x80;
    unsigned greatest = text[0] == 0xed ? 0x9f : text[0] == 0xf4 ? 0x8f : 0xbf;

    if (length > 1 && (text[1] < least || text[1] > greatest))
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

static void put_string(FILE *stream, const char *text)
{
    const unsigned char *next = (const unsigned char *)text;

    putc('"', stream);
    while (*next != '\0') {
        size_t length = utf8_length(next);

        if (*next == '"' || *next == '\\')
            fprintf(stream, "\\%c", *next);
        else if (*next < 0x20)
            fprintf(stream, "\\u%04x", *next);
        else if (length == 0)
            putc('?', stream);
        else
            fwrite(next, 1, length, stream);
        next += length > 0 ? length : 1;
    }
    putc('"', stream);
}

/* What stands before a value. */
static void put_key(struct json *json, const char *key)
{
    if (!json->empty)
        putc(',', json->stream);
    json->empty = false;
    if (json->depth > 0)
        new_line(json);
    if (key != NULL) {
        put_string(json->stream, key);
        fputs(": ", json->stream);
    }
}

void json_open(struct json *json, const char *key, char bracket)
{
    put_key(json, key);
    putc(bracket, json->stream);
    json->closing[json->depth++] = bracket == '{' ? '}' : ']';
    json->empty = true;
}

void json_close(struct json *json)
{
    json->depth--;
    if (!json->empty)
        new_line(json);
    json->empty = false;
    putc(json->closing[json->depth], json->stream);
    if (json->depth == 0)
        putc('\n', json->stream);
}

void json_string(struct json *json, const char *key, const char *text)
{
    put_key(json, key);
    if (text != NULL)
        put_string(json->stream, text);
    else
        fputs("null", json->stream);
}

void json_bool(struct json *json, const char *key, bool value)
{
    put_key(json, key);
    fputs(value ? "true" : "false", json->stream);
}

void json_integer(struct json *json, const char *key, unsigned long long value)
{
    put_key(json, key);
    fprintf(json->stream, "%llu", value);
}

void json_real(struct json *json, const char *key, double value)
{
    put_key(json, key);
    if (isfinite(value))
        fprintf(json->stream, "%.9g", value);
    else
        fputs("null", json->stream);
}

void json_sizes(struct json *json, const char *key, const size_t *sizes, size_t count)
{
    put_key(json, key);
    putc('[', json->stream);
    for (size_t i = 0; i < count; i++)
        fprintf(json->stream, "%s%zu", i > 0 ? ", " : "", sizes[i]);
    putc(']', json->stream);
}
