/* SPDX-License-Identifier: MIT */
#include "io/npy_header.h"

#include "io/scalar.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The text that is still to be read. */
struct cursor {
    const char *next;
    const char *end;
};

/* A string of the dictionary, without its quotes. */
struct word {
    const char *text;
    size_t length;
};

enum { KEY_DESCR = 1, KEY_FORTRAN_ORDER = 2, KEY_SHAPE = 4, KEYS_ALL = 7 };

static const struct {
    const char *name;
    int key;
} key_names[] = { { "descr", KEY_DESCR }, { "fortran_order", KEY_FORTRAN_ORDER }, { "shape", KEY_SHAPE } };

/* NumPy has no bfloat16: it takes those of other packages for two bytes of anything. */
static const struct {
    const char *name;
    clbn_type type;
} file_types[] = {
    { "f2", CLBN_FLOAT16 }, { "f4", CLBN_FLOAT32 }, { "f8", CLBN_FLOAT64 }, { "u1", SCALAR_UINT8 }, { "V2", CLBN_BFLOAT16 },
};

enum { FILE_TYPE_COUNT = sizeof(file_types) / sizeof(file_types[0]) };

#define FILE_TYPES_SUPPORTED "only f2, f4 and f8 of either byte order, u1, and V2 for bfloat16 are supported"

static void skip_space(struct cursor *cursor)
{
    while (cursor->next < cursor->end && (*cursor->next == ' ' || *cursor->next == '\t' || *cursor->next == '\n' ||
                                          *cursor->next == '\r' || *cursor->next == '\f'))
        cursor->next++;
}

/* Takes the character, after any space, if it is the next one. */
static bool take(struct cursor *cursor, char character)
{
    skip_space(cursor);
    if (cursor->next < cursor->end && *cursor->next == character) {
        cursor->next++;
        return true;
    }
    return false;
}

/* Takes a literal such as True, if it is next and is not the beginning of a longer name. */
static bool take_name(struct cursor *cursor, const char *name)
{
    size_t length = strlen(name);
    char after;

    skip_space(cursor);
    if ((size_t)(cursor->end - cursor->next) <= length || memcmp(cursor->next, name, length) != 0)
        return false;
    after = cursor->next[length];
    if (after != ',' && after != '}' && after != ' ' && after != '\n')
        return false;
    cursor->next += length;
    return true;
}

/* Takes a string in either kind of quotes. Escapes have no place in this dictionary. */
static bool take_string(struct cursor *cursor, struct word *word)
{
    char quote;

    if (take(cursor, '\''))
        quote = '\'';
    else if (take(cursor, '"'))
        quote = '"';
    else
        return false;
    word->text = cursor->next;
    while (cursor->next < cursor->end && *cursor->next != quote) {
        if (*cursor->next == '\\' || *cursor->next == '\n' || *cursor->next == '\0')
            return false;
        cursor->next++;
    }
    if (cursor->next == cursor->end)
        return false;
    word->length = (size_t)(cursor->next - word->text);
    cursor->next++;
    return true;
}

static bool word_is(const struct word *word, const char *text)
{
    return word->length == strlen(text) && memcmp(word->text, text, word->length) == 0;
}

/* Splits a type such as '<f4' into its byte order and its name. False: the two do not fit. */
static bool parse_type(struct word descr, struct npy_header *header)
{
    static const char orders[] = { '<', '>', '=', '|' };
    char order = '=';

    if (descr.length > 0 && memchr(orders, descr.text[0], sizeof(orders)) != NULL) {
        order = descr.text[0];
        descr.text++;
        descr.length--;
    }
    for (size_t i = 0; i < FILE_TYPE_COUNT; i++) {
        if (!word_is(&descr, file_types[i].name))
            continue;
        header->type = file_types[i].type;
        header->big_endian = order == '>' || (order == '=' && scalar_big_endian());
        return header->type == CLBN_BFLOAT16 ? order != '>' : order != '|' || header->type == SCALAR_UINT8;
    }
    return false;
}

static bool parse_descr(struct cursor *cursor, struct npy_header *header, struct failure *failure)
{
    struct word descr;

    if (!take_string(cursor, &descr))
        return fail(failure, "its 'descr' is not a string; " FILE_TYPES_SUPPORTED);
    return parse_type(descr, header) || fail(failure, "its type is '%.*s', and " FILE_TYPES_SUPPORTED,
                                             descr.length > 40 ? 40 : (int)descr.length, descr.text);
}

static bool parse_fortran_order(struct cursor *cursor, struct npy_header *header, struct failure *failure)
{
    if (take_name(cursor, "True"))
        header->fortran_order = true;
    else if (take_name(cursor, "False"))
        header->fortran_order = false;
    else
        return fail(failure, "its 'fortran_order' is neither True nor False");
    return true;
}

/* One axis: digits, without leading zeros. Python 2 put an L after those of a long integer. */
static bool parse_extent(struct cursor *cursor, size_t *extent, struct failure *failure)
{
    const char *first;
    size_t value = 0;

    skip_space(cursor);
    first = cursor->next;
    while (cursor->next < cursor->end && *cursor->next >= '0' && *cursor->next <= '9') {
        size_t digit = (size_t)(*cursor->next - '0');

        if (value > (SIZE_MAX - digit) / 10)
            return fail(failure, "its shape is too large");
        value = value * 10 + digit;
        cursor->next++;
    }
    if (cursor->next == first || (*first == '0' && cursor->next - first > 1))
        return fail(failure, "its 'shape' is not a tuple of non-negative integers");
    if (cursor->next < cursor->end && *cursor->next == 'L')
        cursor->next++;
    *extent = value;
    return true;
}

/* A tuple as Python prints it: (), (3,), (3, 4); a comma may follow the last axis. */
static bool parse_shape(struct cursor *cursor, struct npy_header *header, struct failure *failure)
{
    bool comma = true;

    header->rank = 0;
    if (!take(cursor, '('))
        return fail(failure, "its 'shape' is not a tuple of non-negative integers");
    while (!take(cursor, ')')) {
        if (!comma)
            return fail(failure, "its 'shape' is not a tuple of non-negative integers");
        if (header->rank == CLBN_MAX_RANK)
            return fail(failure, "it has more than %d axes", CLBN_MAX_RANK);
        if (!parse_extent(cursor, &header->shape[header->rank], failure))
            return false;
        header->rank++;
        comma = take(cursor, ',');
    }
    if (header->rank == 1 && !comma)
        return fail(failure, "its 'shape' is a number in parentheses, not a tuple");
    return true;
}

static bool parse_pair(struct cursor *cursor, struct npy_header *header, int *keys, struct failure *failure)
{
    struct word name;
    int key = 0;

    if (!take_string(cursor, &name))
        return fail(failure, "its header is not a dictionary with strings as keys");
    for (size_t i = 0; i < sizeof(key_names) / sizeof(key_names[0]); i++)
        if (word_is(&name, key_names[i].name))
            key = key_names[i].key;
    if (key == 0) {
        int length = name.length > 40 ? 40 : (int)name.length;

        return fail(failure, "its header has an unknown key '%.*s'", length, name.text);
    }
    if ((*keys & key) != 0)
        return fail(failure, "its header has the key '%.*s' twice", (int)name.length, name.text);
    *keys |= key;
    if (!take(cursor, ':'))
        return fail(failure, "its header has no colon after '%.*s'", (int)name.length, name.text);
    return key == KEY_DESCR           ? parse_descr(cursor, header, failure)
           : key == KEY_FORTRAN_ORDER ? parse_fortran_order(cursor, header, failure)
                                      : parse_shape(cursor, header, failure);
}

bool npy_header_parse(struct npy_header *header, const char *text, size_t length, struct failure *failure)
{
    struct cursor cursor = { text, text + length };
    int keys = 0;
    bool comma = true;

    memset(header, 0, sizeof(*header));
    if (!take(&cursor, '{'))
        return fail(failure, "its header is not a dictionary");
    while (!take(&cursor, '}')) {
        if (!comma)
            return fail(failure, "its header is not a dictionary: a comma or a brace is missing");
        if (!parse_pair(&cursor, header, &keys, failure))
            return false;
        comma = take(&cursor, ',');
    }
    skip_space(&cursor);
    if (cursor.next != cursor.end)
        return fail(failure, "its header goes on after the dictionary");
    for (size_t i = 0; i < sizeof(key_names) / sizeof(key_names[0]); i++)
        if ((keys & key_names[i].key) == 0)
            return fail(failure, "its header has no key '%s'", key_names[i].name);
    if (!npy_header_count(header))
        return fail(failure, "its shape is too large");
    return true;
}

bool npy_header_count(struct npy_header *header)
{
    size_t limit = (size_t)PTRDIFF_MAX / scalar_size(header->type);
    size_t product = 1;
    bool empty = false;

    for (unsigned axis = 0; axis < header->rank; axis++) {
        size_t extent = header->shape[axis];

        if (extent == 0)
            empty = true;
        else if (product > limit / extent)
            return false;
        else
            product *= extent;
    }
    header->count = empty ? 0 : product;
    return true;
}

void npy_format_shape(const size_t *shape, unsigned rank, char *text, size_t size)
{
    size_t length = (size_t)snprintf(text, size, "(");

    for (unsigned axis = 0; axis < rank && length < size; axis++) {
        const char *after = rank == 1 ? "," : axis + 1 < rank ? ", " : "";

        length += (size_t)snprintf(text + length, size - length, "%zu%s", shape[axis], after);
    }
    if (length < size)
        snprintf(text + length, size - length, ")");
}

size_t npy_header_format(const struct npy_header *header, char *text, size_t size)
{
    const char *order = header->type == SCALAR_UINT8 ? "|" : header->big_endian ? ">" : "<";
    char shape[256];
    size_t i = 0;

    while (file_types[i].type != header->type && i + 1 < FILE_TYPE_COUNT)
        i++;
    npy_format_shape(header->shape, header->rank, shape, sizeof(shape));
    return (size_t)snprintf(text, size, "{'descr': '%s%s', 'fortran_order': False, 'shape': %s, }", order, file_types[i].name,
                            shape);
}
