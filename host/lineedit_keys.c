/*
 * lineedit_keys: lines that can be edited, by libedit.
 *
 * libedit works on one key at a time (EL_UNBUFFERED), whenever we have a whole one for it; so it hardly ever has to wait for
 * the rest of one. Where it does, in a search or before a quoted key, the loop turns all the same, but no task goes on
 * meanwhile.
 */
#include "lineedit_own.h"

#ifdef MOONKEY_LIBEDIT

#include <histedit.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ESCAPE = 0x1b, CTRL_D = 4, TAB_STOP = 8, REPLACEMENT = 0xfffd };

struct editor {
    struct lineedit *owner;
    EditLine *el;
    HistoryW *history;
    bool vi;               /* Escape is a key of its own */
    bool no_wait, starved; /* libedit gets no more characters than are here; it has asked for one */
};

static struct editor *editor_of(EditLine *el)
{
    void *ed = NULL;
    el_wget(el, EL_CLIENTDATA, &ed);
    return ed;
}

/* ---- keys ---- */

/* Does the sequence that begins with Escape lack its end? `left` bytes are here. */
static bool is_open_sequence(const char *bytes, size_t left)
{
    if (left < 2)
        return true;
    if (bytes[1] != '[' && bytes[1] != 'O')
        return false;
    for (size_t i = 2; i < left; i++)
        if (bytes[i] >= 0x40 && bytes[i] < 0x7f)
            return false;
    return left < 16; /* none is as long as that */
}

static bool has_key(const struct editor *ed)
{
    const struct lineedit *e = ed->owner;
    size_t left = e->count - e->at;
    wchar_t c;
    if (left == 0)
        return false;
    if (e->bytes[e->at] == ESCAPE)
        return ed->vi || !is_open_sequence(e->bytes + e->at, left);
    return mbrtowc(&c, e->bytes + e->at, left, &(mbstate_t){0}) != (size_t)-2;
}

/* What libedit calls for each character. */
static int next_character(EditLine *el, wchar_t *c)
{
    struct editor *ed = editor_of(el);
    struct lineedit *e = ed->owner;
    size_t used;
    if (ed->no_wait) {
        ed->starved = true;
        return -1;
    }
    for (;;) {
        used = e->at < e->count ? mbrtowc(c, e->bytes + e->at, e->count - e->at, &(mbstate_t){0}) : (size_t)-2;
        if (used != (size_t)-2)
            break;
        if (!lineedit_wait(e) || !lineedit_read(e))
            return e->ended ? 0 : -1;
    }
    if (used == (size_t)-1) /* no UTF-8 */
        *c = REPLACEMENT;
    e->at += used == 0 || used == (size_t)-1 ? 1 : used;
    return 1;
}

static enum buf_status append_wide(struct buf *out, const wchar_t *text, size_t count)
{
    char bytes[MB_LEN_MAX];
    enum buf_status status = BUF_OK;
    for (size_t i = 0; i < count && status == BUF_OK; i++) {
        size_t len = wcrtomb(bytes, text[i], &(mbstate_t){0});
        if (len != (size_t)-1)
            status = buf_append(out, bytes, len);
    }
    return status;
}

/* The line after a key, `count` characters of it. */
static enum lineedit_event look_at(struct lineedit *e, const wchar_t *line, int count)
{
    if (count == 1 && line[0] == CTRL_D) {
        fputc('\n', stdout);
        return LINEEDIT_END;
    }
    if (count < 1 || (line[count - 1] != L'\n' && line[count - 1] != L'\r'))
        return LINEEDIT_MORE;
    if (append_wide(&e->line, line, (size_t)count - 1) == BUF_OK)
        return LINEEDIT_LINE;
    buf_free(&e->line);
    return LINEEDIT_TOO_LONG;
}

static enum lineedit_event take_key(struct editor *ed)
{
    int count = 0;
    const wchar_t *line = el_wgets(ed->el, &count);
    return line ? look_at(ed->owner, line, count) : LINEEDIT_MORE;
}

/* What libedit holds back itself, such as the key that has ended a search. */
static enum lineedit_event take_pushed_keys(struct editor *ed)
{
    enum lineedit_event event = LINEEDIT_MORE;
    ed->no_wait = true;
    for (ed->starved = false; event == LINEEDIT_MORE && !ed->starved;)
        event = take_key(ed);
    ed->no_wait = false;
    return event;
}

enum lineedit_event editor_take_keys(struct editor *ed)
{
    struct lineedit *e = ed->owner;
    enum lineedit_event event = LINEEDIT_MORE;
    while (event == LINEEDIT_MORE && !e->interrupted && (has_key(ed) || (lineedit_read(e) && has_key(ed)))) {
        event = take_key(ed);
        if (event == LINEEDIT_MORE)
            event = take_pushed_keys(ed);
    }
    return event == LINEEDIT_MORE && e->ended ? LINEEDIT_END : event;
}

/* ---- completion ---- */

/* Above the prompt, which is drawn anew below. */
static void show_lines(struct editor *ed, const char *lines)
{
    fprintf(stdout, "\n%s\n", lines);
    fflush(stdout);
    el_wset(ed->el, EL_REFRESH);
}

/* The Tab key. One with more behind it came out of a clipboard. */
static unsigned char complete(EditLine *el, wint_t key)
{
    struct editor *ed = editor_of(el);
    struct lineedit *e = ed->owner;
    struct lineedit_completion found = {"", ""};
    (void)key;
    if (e->at < e->count)
        return el_winsertstr(el, L"\t") == 0 ? CC_REFRESH : CC_ERROR;
    const LineInfoW *info = el_wline(el);
    struct buf before;
    buf_init(&before, LINEEDIT_LONGEST);
    enum buf_status status = append_wide(&before, info->buffer, (size_t)(info->cursor - info->buffer));
    bool any = status == BUF_OK && e->options.complete && e->options.complete(e->options.arg, buf_text(&before), &found);
    buf_wipe(&before);
    if (!any)
        return CC_ERROR;
    if (*found.show)
        show_lines(ed, found.show);
    if (*found.insert && el_insertstr(el, found.insert) != 0)
        return CC_ERROR;
    return CC_REFRESH;
}

/* ---- what is on the screen ---- */

static unsigned width_of(wchar_t c, unsigned column)
{
    if (c == L'\t')
        return TAB_STOP - column % TAB_STOP;
    if (c < 0x20 || c == 0x7f)
        return 2; /* ^X */
    int width = wcwidth(c);
    return width < 0 ? sizeof "\\U+12345" - 1 : (unsigned)width;
}

/* Rows below the prompt's first at which a position of the line is shown. */
static unsigned row_of(const struct editor *ed, const wchar_t *from, const wchar_t *to)
{
    struct winsize size;
    unsigned columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    unsigned column = (unsigned)strlen(ed->owner->prompt);
    for (; from < to; from++)
        column += width_of(*from, column);
    return column / columns;
}

void editor_hide(struct editor *ed)
{
    const LineInfoW *info = el_wline(ed->el);
    unsigned row = row_of(ed, info->buffer, info->cursor);
    fputc('\r', stdout);
    if (row > 0)
        fprintf(stdout, "\033[%uA", row);
    fputs("\033[J", stdout);
}

void editor_show(struct editor *ed)
{
    el_wset(ed->el, EL_REFRESH);
}

void editor_adapt(struct editor *ed)
{
    if (ed->owner->continued) { /* the shell has changed what libedit takes for granted */
        el_wset(ed->el, EL_PREP_TERM, 0);
        el_wset(ed->el, EL_PREP_TERM, 1);
    } else {
        editor_hide(ed);
        fflush(stdout);
        el_resize(ed->el);
    }
    el_wset(ed->el, EL_REFRESH);
}

void editor_begin(struct editor *ed)
{
    el_wset(ed->el, EL_UNBUFFERED, 1);
}

/* What was typed stays on the screen. */
static void leave_line(const struct editor *ed)
{
    const LineInfoW *info = el_wline(ed->el);
    unsigned down = row_of(ed, info->buffer, info->lastchar) - row_of(ed, info->buffer, info->cursor);
    if (down > 0)
        fprintf(stdout, "\033[%uB", down);
    fputs("^C\r\n", stdout);
}

void editor_end(struct editor *ed)
{
    if (ed->owner->interrupted)
        leave_line(ed);
    fflush(stdout);
    el_wset(ed->el, EL_UNBUFFERED, 0);
}

/* ---- its life ---- */

void editor_remember(struct editor *ed, const char *line)
{
    HistEventW event;
    struct buf out;
    buf_init(&out, sizeof(wchar_t) * (LINEEDIT_LONGEST + 1));
    size_t left = strlen(line), used;
    wchar_t c;
    enum buf_status status = BUF_OK;
    for (; left > 0 && status == BUF_OK; line += used, left -= used) {
        used = mbrtowc(&c, line, left, &(mbstate_t){0});
        if (used > left) { /* no UTF-8 */
            used = 1;
            c = REPLACEMENT;
        }
        status = buf_append(&out, &c, sizeof c);
    }
    c = L'\0';
    if (status == BUF_OK && buf_append(&out, &c, sizeof c) == BUF_OK)
        history_w(ed->history, &event, H_ENTER, (const wchar_t *)(const void *)out.data);
    buf_free(&out);
}

static wchar_t *prompt_of(EditLine *el)
{
    static wchar_t wide[64];
    mbstowcs(wide, editor_of(el)->owner->prompt, sizeof wide / sizeof *wide - 1);
    return wide;
}

/* libedit and the C library have to agree with us, and with nearly all terminals, on what bytes are. */
static void speak_utf8(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

static bool set_up(struct editor *ed)
{
    HistEventW event;
    struct lineedit *e = ed->owner;
    if (!(ed->el = el_init("moonkey", stdin, stdout, stderr)) || !(ed->history = history_winit()))
        return false;
    e->prompt = "";
    history_w(ed->history, &event, H_SETSIZE, (int)e->options.history);
    history_w(ed->history, &event, H_SETUNIQUE, 1);
    el_wset(ed->el, EL_CLIENTDATA, ed);
    el_wset(ed->el, EL_PROMPT, prompt_of);
    el_wset(ed->el, EL_HIST, history_w, ed->history);
    el_wset(ed->el, EL_GETCFN, next_character);
    el_wset(ed->el, EL_SIGNAL, 0);
    el_wset(ed->el, EL_EDITOR, L"emacs");
    el_wset(ed->el, EL_ADDFN, L"moonkey-complete", L"Complete a name", complete);
    el_wset(ed->el, EL_BIND, L"^I", L"moonkey-complete", NULL);
    el_wset(ed->el, EL_BIND, L"^R", L"em-inc-search-prev", NULL);
    el_source(ed->el, NULL); /* ~/.editrc: keys as the user has them everywhere */
    const wchar_t *mode = NULL;
    ed->vi = el_wget(ed->el, EL_EDITOR, &mode) == 0 && mode && wcscmp(mode, L"vi") == 0;
    return true;
}

struct editor *editor_new(struct lineedit *e)
{
    const char *term = getenv("TERM");
    if (!term || !*term || strcmp(term, "dumb") == 0)
        return NULL;
    struct editor *ed = calloc(1, sizeof *ed);
    if (!ed)
        return NULL;
    ed->owner = e;
    speak_utf8();
    if (set_up(ed))
        return ed;
    editor_free(ed);
    return NULL;
}

void editor_free(struct editor *ed)
{
    if (ed->el)
        el_end(ed->el);
    if (ed->history)
        history_wend(ed->history);
    free(ed);
}

#endif
