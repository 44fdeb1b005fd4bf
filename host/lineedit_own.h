/* lineedit_own: what lineedit.c (input, plain lines) and lineedit_keys.c (libedit) share. */
#ifndef MOONKEY_LINEEDIT_OWN_H
#define MOONKEY_LINEEDIT_OWN_H

#include <stdbool.h>
#include <wchar.h>

#include "buf.h"
#include "lineedit.h"

struct editor; /* libedit's side */

struct lineedit {
    struct loop *loop;
    struct lineedit_options options;
    struct editor *editor; /* NULL: plain lines */
    struct watch input, signals;
    const char *prompt;
    bool terminal;
    bool waiting;                       /* between begin and the end of the line */
    bool interrupted, ended, discarded; /* Ctrl-C came; there is no more input; the line is too long */
    volatile bool resized, continued;   /* the terminal has another size; the program was stopped, and goes on */
    char bytes[4096];                   /* read, and not taken yet */
    size_t at, count;
    struct buf line;
};

/* Read what is there behind what is left of `bytes`; false where that would wait, at the end, and after an error (errno). */
bool lineedit_read(struct lineedit *e);
/* Turn the loop until there is input; false when the wait has to end. */
bool lineedit_wait(struct lineedit *e);

/* ---- libedit ---- */

#ifdef MOONKEY_LIBEDIT

/* NULL where the terminal can do nothing but lines, or memory ran out. */
struct editor *editor_new(struct lineedit *e);
void editor_free(struct editor *ed);
/* Prompt, and the terminal gives each key; the opposite. */
void editor_begin(struct editor *ed);
void editor_end(struct editor *ed);
/* Take the keys that are there. */
enum lineedit_event editor_take_keys(struct editor *ed);
/* After e->resized and e->continued. */
void editor_adapt(struct editor *ed);
void editor_hide(struct editor *ed);
void editor_show(struct editor *ed);
void editor_remember(struct editor *ed, const char *line);

#else /* there is never an editor */

#define editor_new(e)             ((struct editor *)NULL)
#define editor_free(ed)           ((void)(ed))
#define editor_begin(ed)          ((void)(ed))
#define editor_end(ed)            ((void)(ed))
#define editor_take_keys(ed)      ((void)(ed), LINEEDIT_END)
#define editor_adapt(ed)          ((void)(ed))
#define editor_hide(ed)           ((void)(ed))
#define editor_show(ed)           ((void)(ed))
#define editor_remember(ed, line) ((void)(ed), (void)(line))

#endif

#endif
