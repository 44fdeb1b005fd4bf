/*
 * lineedit: lines that a person types, or a pipe brings, while the loop goes on turning.
 *
 * On a terminal, and where the program was built with libedit, a line can be edited and recalled; elsewhere lines are plain.
 * Knows no Lua. One at a time, because the terminal's state is the process's.
 *
 * Use: lineedit_begin() shows the prompt. From then on `wake` is called from loop_step() when there is something to do; answer
 * it, outside of loop_step(), with lineedit_go_on(), until that says something else than LINEEDIT_MORE.
 */
#ifndef MOONKEY_LINEEDIT_H
#define MOONKEY_LINEEDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "loop.h"

enum { LINEEDIT_LONGEST = 1 << 20 }; /* bytes of a line */

struct lineedit;

enum lineedit_event {
    LINEEDIT_MORE,        /* the line is not at its end */
    LINEEDIT_LINE,        /* lineedit_line() has it */
    LINEEDIT_END,         /* Ctrl-D, or there is no more input */
    LINEEDIT_INTERRUPTED, /* lineedit_interrupt() was called; what was typed is thrown away */
    LINEEDIT_TOO_LONG,    /* the line was, and is thrown away */
    LINEEDIT_FAILED,      /* errno */
};

/* What the Tab key does. */
struct lineedit_completion {
    const char *insert; /* at the cursor, "" for nothing */
    const char *show;   /* lines to show above the prompt, "" for none */
};

struct lineedit_options {
    void (*wake)(void *arg);
    /* The line up to the cursor is `before`. The texts stay valid until the next call. False: there is nothing to complete. */
    bool (*complete)(void *arg, const char *before, struct lineedit_completion *out);
    /* Is the program to stop? Asked while a key is waited for in the midst of a command of the editor. */
    bool (*stopping)(void);
    void *arg;
    unsigned history; /* lines that can be recalled */
};

/* NULL: no memory, or there is one already. The options are copied. */
struct lineedit *lineedit_new(struct loop *loop, const struct lineedit_options *options);
/* Restores the terminal. */
void lineedit_free(struct lineedit *e);

/* Can lines be edited, or are they plain? And is it a person who types them? */
bool lineedit_edits(const struct lineedit *e);
bool lineedit_is_terminal(const struct lineedit *e);

/* Show `prompt` (ASCII, kept by the caller until the line is at its end) and wait for a line. False: no memory. */
bool lineedit_begin(struct lineedit *e, const char *prompt);
enum lineedit_event lineedit_go_on(struct lineedit *e);
/* Without its newline; valid until the next lineedit_begin(). */
const char *lineedit_line(const struct lineedit *e, size_t *len);
/* Give up waiting for a line; the terminal is as it was. */
void lineedit_abandon(struct lineedit *e);

/* Ctrl-C, from loop_step(): the line that is waited for, if there is one, is thrown away. */
void lineedit_interrupt(void);

/* Make room for output of others, and show prompt and line again behind it. Nothing happens where no line is waited for. */
void lineedit_hide(struct lineedit *e);
void lineedit_show(struct lineedit *e);

/* One more line that can be recalled. */
void lineedit_remember(struct lineedit *e, const char *line);

#endif
