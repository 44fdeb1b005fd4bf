/* The framing of rows: a table of inputs, each fed whole, byte by byte, and in pieces of random size, must give the same rows.
 */
#include "unit.h"

#include "buf.h"
#include "rows.h"

#define BOM "\xEF\xBB\xBF"

/*
 * Expected rows, one a line: `LINE TEXT`, cells within [], `LINE !part of the message` for a bad row,
 * `LINE !!part` where the input becomes unusable.
 */
static const struct {
    const char *name;
    enum rows_format format;
    const char *input, *expected;
} cases[] = {
    {"jsonl", ROWS_JSONL, "{\"a\":1}\n{\"b\":2}\n", "1 {\"a\":1}\n2 {\"b\":2}\n"},
    {"jsonl: no final newline, CRLF, blank lines, BOM", ROWS_JSONL, BOM "{1}\r\n\r\n  \t\n\n{2}", "1 {1}\n5 {2}\n"},
    {"jsonl: empty", ROWS_JSONL, "", ""},
    {"jsonl: only a BOM", ROWS_JSONL, BOM, ""},
    {"jsonl: half a BOM is text", ROWS_JSONL, "\xEF\xBB", "1 \xEF\xBB\n"},
    {"jsonl: only blank lines", ROWS_JSONL, "\n\r\n \n", ""},
    {"jsonl: a BOM further on is text", ROWS_JSONL, "{1}\n" BOM "{2}\n", "1 {1}\n2 " BOM "{2}\n"},
    {"jsonl: rubbish is framed too", ROWS_JSONL, "nonsense\n{2}", "1 nonsense\n2 {2}\n"},
    {"utf-16, little-endian", ROWS_JSONL, "\xFF\xFE{-", "1 !!UTF-16\n"},
    {"utf-16, big-endian", ROWS_CSV, "\xFE\xFF-i", "1 !!UTF-16\n"},

    {"array", ROWS_JSON, "[{\"a\":1},{\"b\":2}]", "1 {\"a\":1}\n1 {\"b\":2}\n"},
    {"array: lines", ROWS_JSON, BOM "\n [\n {\"a\":\n[1,2]}\n,\n\n{} ]\n\n", "3 {\"a\":\n[1,2]}\n7 {}\n"},
    {"array: empty", ROWS_JSON, " [ ] \n", ""},
    {"array: nothing at all", ROWS_JSON, " \n", ""},
    {"array: brackets and quotes in strings", ROWS_JSON, "[{\"a\":\"]},\\\"[{\"},\"x\\\\\"]",
     "1 {\"a\":\"]},\\\"[{\"}\n1 \"x\\\\\"\n"},
    {"array: scalars", ROWS_JSON, "[1, null ,\"s\", [2] ,true]", "1 1\n1 null\n1 \"s\"\n1 [2]\n1 true\n"},
    {"array: bad element is framed", ROWS_JSON, "[{1 2},nope,{}]", "1 {1 2}\n1 nope\n1 {}\n"},
    {"array: an object instead", ROWS_JSON, "{\"a\":1}\n", "1 !!--format jsonl\n"},
    {"array: garbage before", ROWS_JSON, "x[1]", "1 !!'[' of a JSON array expected, found 'x'\n"},
    {"array: garbage between", ROWS_JSON, "[{}\n{}]",
     "1 {}\n2 !!',' or ']' after an element of the array expected, found '{'\n"},
    {"array: garbage after", ROWS_JSON, "[{}]\n\nx", "1 {}\n3 !!end of the input after the array expected, found 'x'\n"},
    {"array: two arrays", ROWS_JSON, "[1][2]", "1 1\n1 !!after the array\n"},
    {"array: comma at the end", ROWS_JSON, "[1,\n]", "1 1\n2 !!an element of the array expected, found ']'\n"},
    {"array: comma twice", ROWS_JSON, "[1,,2]", "1 1\n1 !!found ','\n"},
    {"array: stray brace", ROWS_JSON, "[1}]", "1 1\n1 !!',' or ']' after an element\n"},
    {"array: cut off in an element", ROWS_JSON, "[1,\n{\"a\":\n", "1 1\n2 !!cut off\n"},
    {"array: cut off between", ROWS_JSON, "[1", "1 !!cut off\n"},
    {"array: control byte", ROWS_JSON, "[1]\x01", "1 1\n1 !!found byte 0x01\n"},

    {"csv", ROWS_CSV, "id,name\nT1,a\nT2,b\n", "1 [id][name]\n2 [T1][a]\n3 [T2][b]\n"},
    {"csv: BOM, CRLF, no final newline", ROWS_CSV, BOM "id,name\r\nT1,a\r\nT2,b", "1 [id][name]\n2 [T1][a]\n3 [T2][b]\n"},
    {"csv: CR alone", ROWS_CSV, "id,name\rT1,a\rT2,b\r", "1 [id][name]\n2 [T1][a]\n3 [T2][b]\n"},
    {"csv: semicolons", ROWS_CSV, "id;name\nT1;a,b\n", "1 [id][name]\n2 [T1][a,b]\n"},
    {"csv: tabs", ROWS_CSV, "id\tname\tx\nT1\ta, b\t\n", "1 [id][name][x]\n2 [T1][a, b][]\n"},
    {"csv: sep line", ROWS_CSV, "sep=;\r\nid;\"a,b,c\"\r\nT1;x\r\n", "2 [id][a,b,c]\n3 [T1][x]\n"},
    {"csv: delimiters inside quotes do not count", ROWS_CSV, "id,\"a;b;c\"\nT1,x\n", "1 [id][a;b;c]\n2 [T1][x]\n"},
    {"csv: one column", ROWS_CSV, "id\nT1\n", "1 [id]\n2 [T1]\n"},
    {"csv: quotes", ROWS_CSV, "a,b\n\"x, \"\"y\"\"\",\"\"\n", "1 [a][b]\n2 [x, \"y\"][]\n"},
    {"csv: embedded newlines keep the line numbers right", ROWS_CSV, "a,b\n1,\"x\ny\r\n\nz\"\n2,q\n",
     "1 [a][b]\n2 [1][x\ny\r\n\nz]\n6 [2][q]\n"},
    {"csv: blank lines", ROWS_CSV, "\n\na,b\r\n\r\n1,2\n  \n,\n\"\",\n3,4", "3 [a][b]\n5 [1][2]\n9 [3][4]\n"},
    {"csv: spaces around an unquoted cell", ROWS_CSV, "a, b\n 1 ,\" 2 \"\n", "1 [a][b]\n2 [1][ 2 ]\n"},
    {"csv: empty cells, also at the end", ROWS_CSV, "a,b,c\n,x,\n1,,", "1 [a][b][c]\n2 [][x][]\n3 [1][][]\n"},
    {"csv: ragged rows are framed", ROWS_CSV, "a,b\n1\n1,2,3\n", "1 [a][b]\n2 [1]\n3 [1][2][3]\n"},
    {"csv: empty", ROWS_CSV, "", ""},
    {"csv: stray quote", ROWS_CSV, "a,b\n1,5\" pipe\n2,x\n", "1 [a][b]\n2 !a quote stands inside a cell\n3 [2][x]\n"},
    {"csv: text after a quote", ROWS_CSV, "a,b\n1,\"x\"y\n2,x\n", "1 [a][b]\n2 !text follows the closing quote\n3 [2][x]\n"},
    {"csv: unclosed quote, met by the next", ROWS_CSV, "a,b\n1,\"x\n2,\"y\"\n3,z\n",
     "1 [a][b]\n2 !(the row reaches to line 3)\n4 [3][z]\n"},
    {"csv: stray quote in the last line", ROWS_CSV, "a,b\n1,5\"", "1 [a][b]\n2 !a quote stands\n"},
    {"csv: unclosed quote at the end", ROWS_CSV, "a,b\n1,\"x\n2,y\n",
     "1 [a][b]\n2 !a quote is not closed before the end of the input\n"},

    {"any: array", ROWS_ANY, "\n [1]", "2 1\n"},
    {"any: jsonl", ROWS_ANY, BOM "{1}\n{2}", "1 {1}\n2 {2}\n"},
    {"any: csv", ROWS_ANY, "id,name\n1,2", "1 [id][name]\n2 [1][2]\n"},
    {"any: a second BOM is text", ROWS_ANY, BOM BOM "{1}", "1 [" BOM "{1}]\n"},
    {"any: empty", ROWS_ANY, "", ""},
};

static void describe(struct buf *out, enum rows_status status, const struct row *row)
{
    buf_printf(out, "%zu ", row->line);
    if (status != ROWS_ROW)
        buf_printf(out, "%s%s", status == ROWS_BAD ? "!" : "!!", row->error);
    for (size_t i = 0; i < row->count; i++)
        buf_printf(out, "[%.*s]", (int)row->cells[i].len, row->cells[i].text);
    if (row->text)
        buf_append(out, row->text, row->len);
    buf_putc(out, '\n');
}

/* Feed `input` in pieces of at most `piece` bytes (0: of random size) and write down the rows. */
static void frame(enum rows_format format, const char *input, size_t len, size_t piece, struct buf *out)
{
    struct rows *rows = rows_new(format);
    struct row row;
    size_t at = 0;
    assert_non_null(rows);
    for (;;) {
        enum rows_status status = rows_next(rows, &row);
        if (status == ROWS_MORE) {
            size_t n = piece ? piece : 1 + (size_t)(rand() % 7);
            n = n < len - at ? n : len - at;
            if (n == 0) {
                rows_finish(rows);
                continue;
            }
            char *space = rows_space(rows, n);
            assert_non_null(space);
            memcpy(space, input + at, n);
            rows_added(rows, n);
            at += n;
            continue;
        }
        if (status == ROWS_END)
            break;
        describe(out, status, &row);
        if (status != ROWS_ROW && status != ROWS_BAD) {
            assert_int_equal(rows_next(rows, &row), status); /* it stays so */
            break;
        }
    }
    rows_free(rows);
}

/* Lines of `got` against lines of `expected`, where an error is given in part. */
static bool matches(const char *got, const char *expected)
{
    while (*expected) {
        const char *bang = strchr(expected, '!'), *eol = strchr(expected, '\n');
        if (!bang || bang > eol) {
            size_t n = (size_t)(eol - expected) + 1;
            if (strncmp(got, expected, n) != 0)
                return false;
            got += n;
        } else {
            const char *part = bang + (bang[1] == '!' ? 2 : 1), *got_eol = strchr(got, '\n');
            char want[200], line[400];
            snprintf(want, sizeof want, "%.*s", (int)(eol - part), part);
            if (!got_eol || strncmp(got, expected, (size_t)(part - expected)) != 0)
                return false;
            snprintf(line, sizeof line, "%.*s", (int)(got_eol - got), got);
            if (!strstr(line, want))
                return false;
            got = got_eol + 1;
        }
        expected = eol + 1;
    }
    return *got == '\0';
}

static void test_cases(void **state)
{
    (void)state;
    static const size_t pieces[] = {65536, 1, 2, 3, 0, 0, 0, 0};
    srand(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
            struct buf got;
            buf_init(&got, 1 << 20);
            frame(cases[i].format, cases[i].input, strlen(cases[i].input), pieces[k], &got);
            if (!matches(buf_text(&got), cases[i].expected))
                fail_msg("%s, in pieces of %zu: got\n%s\nexpected\n%s", cases[i].name, pieces[k], buf_text(&got),
                         cases[i].expected);
            buf_free(&got);
        }
    }
}

/* A row of exactly the limit is read, one of a byte more is bad, and the row after it is read again. */
static void test_long_rows(void **state)
{
    (void)state;
    static const struct {
        enum rows_format format;
        const char *before, *open, *close, *after, *good, *bad;
    } longs[] = {
        {ROWS_JSONL, "{1}\n", "\"", "\"", "\n{3}\n", "2 \"xx", "1 {1}\n2 !longer than 1048576 bytes\n3 {3}\n"},
        {ROWS_JSON, "[{1},\n", "\"", "\"", ",\n{3}]", "2 \"xx", "1 {1}\n2 !longer than 1048576 bytes\n3 {3}\n"},
        {ROWS_CSV, "a,b\n", "1,\"", "\"", "\r\n3,4\n", "2 [1][xx", "1 [a][b]\n2 !longer than 1048576 bytes\n3 [3][4]\n"},
        {ROWS_CSV, "a,b\n", "1,\"\n", "\n\"", "\n3,4\n", "2 [1][\nxx", "1 [a][b]\n2 !longer than 1048576 bytes\n5 [3][4]\n"},
        {ROWS_CSV, "a,b\n", "1,", "", "\n3,4", "2 [1][xx", "1 [a][b]\n2 !longer than 1048576 bytes\n3 [3][4]\n"},
    };
    for (size_t i = 0; i < sizeof longs / sizeof *longs; i++) {
        for (size_t extra = 0; extra <= 3 * ROWS_MAX_ROW; extra = extra ? extra * 3 * ROWS_MAX_ROW : 1) {
            struct buf input, got;
            buf_init(&input, 8 * ROWS_MAX_ROW);
            buf_init(&got, 8 * ROWS_MAX_ROW);
            buf_puts(&input, longs[i].before);
            buf_puts(&input, longs[i].open);
            for (size_t n = strlen(longs[i].open) + strlen(longs[i].close); n < ROWS_MAX_ROW + extra; n++)
                buf_putc(&input, 'x');
            buf_puts(&input, longs[i].close);
            buf_puts(&input, longs[i].after);
            frame(longs[i].format, input.data, input.len, 65536, &got);
            if (extra ? !matches(buf_text(&got), longs[i].bad) : !strstr(buf_text(&got), longs[i].good))
                fail_msg("long row %zu, %zu over: got\n%.300s", i, extra, buf_text(&got));
            buf_free(&input);
            buf_free(&got);
        }
    }
}

/* What is looked for at the beginning is looked for in the same bytes, however large the pieces are. */
static void test_long_beginnings(void **state)
{
    (void)state;
    static const struct {
        enum rows_format format;
        const char *before, *after, *expected;
    } longs[] = {
        {ROWS_CSV, "a;", ",,,,\nb;c,d\n", "[b][c,d]"},
        {ROWS_CSV, "\n", "a;b\n1;2\n", "[a][b]"},
        {ROWS_ANY, "\n", "{1}\n", "[{1}]"},
    };
    for (size_t i = 0; i < sizeof longs / sizeof *longs; i++) {
        struct buf input, whole, pieces;
        buf_init(&input, 8 * ROWS_MAX_ROW);
        buf_init(&whole, 8 * ROWS_MAX_ROW);
        buf_init(&pieces, 8 * ROWS_MAX_ROW);
        for (size_t n = *longs[i].before == '\n' ? 3 * ROWS_MAX_ROW : ROWS_MAX_ROW / 2 - 64; n > 1;
             n -= strlen(longs[i].before))
            buf_puts(&input, longs[i].before);
        if (*longs[i].before != '\n')
            for (size_t n = 0; n < ROWS_MAX_ROW / 3; n++)
                buf_putc(&input, ',');
        buf_puts(&input, longs[i].after);
        frame(longs[i].format, input.data, input.len, input.len, &whole);
        frame(longs[i].format, input.data, input.len, 50001, &pieces);
        assert_string_equal(buf_text(&whole), buf_text(&pieces));
        assert_non_null(strstr(buf_text(&whole), longs[i].expected));
        buf_free(&input);
        buf_free(&whole);
        buf_free(&pieces);
    }
}

/* Whatever the bytes are, framing ends, and the pieces do not matter. */
static void test_random_bytes(void **state)
{
    (void)state;
    static const char alphabet[] = "[]{},;\"\\\r\n \tab:\xEF\xBB\xBF\xFF\xFE";
    srand(2);
    for (int round = unit_rounds(20000); round > 0; round--) {
        char input[64];
        size_t len = (size_t)(rand() % (int)sizeof input);
        for (size_t i = 0; i < len; i++)
            input[i] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
        enum rows_format format = (enum rows_format)(rand() % 4);
        struct buf whole, pieces;
        buf_init(&whole, 1 << 20);
        buf_init(&pieces, 1 << 20);
        frame(format, input, len, sizeof input, &whole);
        frame(format, input, len, 0, &pieces);
        assert_string_equal(buf_text(&whole), buf_text(&pieces));
        buf_free(&whole);
        buf_free(&pieces);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_long_rows),
        cmocka_unit_test(test_long_beginnings),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
