/*
 * rows_array: cuts a JSON array (RFC 8259) into its elements by minding strings and depth only. Whether an element is JSON is
 * for the decoder to say; text that stands where no element can makes the rest of the input unusable.
 */
#include <stdbool.h>
#include <string.h>

#include "rows_framing.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static enum rows_status unusable(struct rows *rows, struct row *row, const char *expected)
{
    unsigned char c = (unsigned char)rows->data[rows->scan];
    return rows_complain(rows, row, ROWS_UNUSABLE, rows->line,
                         c > ' ' && c < 0x7f ? "%s expected, found '%c'" : "%s expected, found byte 0x%02X", expected, c);
}

/* Move through the element that was begun. True when data[scan] is the first byte behind it. */
static bool element_ends(struct rows *rows)
{
    for (; rows->scan < rows->end; rows->scan++) {
        char c = rows->data[rows->scan];
        if (c == '\n')
            rows->line++;
        if (rows->in_string) {
            if (rows->escaped)
                rows->escaped = false;
            else if (c == '\\')
                rows->escaped = true;
            else if (c == '"')
                rows->in_string = false;
        } else if (c == '"') {
            rows->in_string = true;
        } else if (c == '{' || c == '[') {
            rows->depth++;
        } else if (rows->depth > 0) {
            if ((c == '}' || c == ']') && --rows->depth == 0) {
                rows->scan++;
                return true;
            }
        } else if (c == ',' || c == ']' || c == '}') {
            return true;
        }
    }
    return false;
}

static enum rows_status next_element(struct rows *rows, struct row *row)
{
    bool ends = element_ends(rows);
    if (rows->skipping || rows->scan - rows->start > ROWS_MAX_ROW) {
        rows->skipping = true;
        rows->start = rows->scan;
    }
    if (!ends)
        return ROWS_MORE;
    rows->array = ARRAY_NEXT;
    row->line = rows->row_line;
    row->text = rows->data + rows->start;
    row->len = rows->scan - rows->start;
    rows->start = rows->scan;
    if (rows->skipping)
        return rows_too_long(rows, row);
    while (row->len > 0 && is_space(row->text[row->len - 1]))
        row->len--;
    return ROWS_ROW;
}

/* What the byte between elements means. ROWS_MORE: go on. */
static enum rows_status between(struct rows *rows, struct row *row, char c)
{
    switch (rows->array) {
    case ARRAY_BEFORE:
        if (c == '{')
            return rows_complain(
                rows, row, ROWS_UNUSABLE, rows->line,
                "a JSON array begins with '[', this input with '{'; if it holds one object a line, use --format jsonl");
        if (c != '[')
            return unusable(rows, row, "'[' of a JSON array");
        rows->array = ARRAY_FIRST;
        break;
    case ARRAY_NEXT:
        if (c != ',' && c != ']')
            return unusable(rows, row, "',' or ']' after an element of the array");
        rows->array = c == ',' ? ARRAY_ELEMENT : ARRAY_AFTER;
        break;
    case ARRAY_AFTER:
        return unusable(rows, row, "the end of the input after the array");
    default:
        if (c == ']' && rows->array == ARRAY_FIRST) {
            rows->array = ARRAY_AFTER;
            break;
        }
        if (c == ',' || c == ']' || c == '}')
            return unusable(rows, row, "an element of the array");
        rows->array = ARRAY_INSIDE;
        rows->row_line = rows->line;
        rows->start = rows->scan;
        return ROWS_MORE;
    }
    rows->scan++;
    return ROWS_MORE;
}

enum rows_status rows_next_array(struct rows *rows, struct row *row)
{
    while (rows->scan < rows->end) {
        if (rows->array == ARRAY_INSIDE) {
            enum rows_status status = next_element(rows, row);
            if (status != ROWS_MORE)
                return status;
            break;
        }
        char c = rows->data[rows->scan];
        if (is_space(c)) {
            rows->line += c == '\n';
            rows->start = ++rows->scan;
            continue;
        }
        enum rows_status status = between(rows, row, c);
        if (status != ROWS_MORE)
            return status;
        if (rows->array != ARRAY_INSIDE)
            rows->start = rows->scan;
    }
    if (!rows->finished)
        return ROWS_MORE;
    if (rows->array == ARRAY_AFTER || rows->array == ARRAY_BEFORE)
        return rows->ended = ROWS_END;
    return rows_complain(rows, row, ROWS_UNUSABLE, rows->array == ARRAY_INSIDE ? rows->row_line : rows->line,
                         "the input ends inside the JSON array: it has been cut off");
}
