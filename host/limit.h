/*
 * limit: how much memory and processor time the user's code may take, and what ends it when it takes more.
 *
 * Time is that of the thread's CPU clock, so waiting is free. A second thread sleeps on that clock, and only looks: when a
 * limit is passed it sends the first thread a signal, in whose handler `poke` makes the code that runs there stop by itself.
 * Where it does not, because it is inside a C function that loops or in a finalizer, the process is ended with
 * STOPPED_BY_LIMIT; the journal is made for that. So nothing is counted while code runs, and without limits there is not even
 * the thread.
 */
#ifndef MOONKEY_LIMIT_H
#define MOONKEY_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STOPPED_BY_LIMIT = 5 }; /* the exit code */

enum limit { LIMIT_NONE, LIMIT_CPU, LIMIT_CPU_TOTAL, LIMIT_MEMORY };

struct limits_config {
    size_t memory;     /* bytes of Lua's; it is state.c that counts them */
    int64_t cpu;       /* ns of one account: a row, or all of a script that is not of rows */
    int64_t cpu_total; /* ns of everything from now on. 0 for any of them: no limit */
};

/* Processor time that belongs together. They live until limits_end(). */
struct account;

/* How code is stopped: `poke(running)`, with what limits_enter() or limits_switch() was given, is called in a signal handler,
 * time and again. */
void limits_stop_by(void (*poke)(void *running));
/* Once, on the thread that runs the code; limits_stop_by() comes before. 0 or an errno. */
int limits_begin(const struct limits_config *config);
void limits_end(void);
/* Are there limits of time? Else the functions on accounts and slices need not be called, and do nothing. */
bool limits_are_watched(void);

/* A new account for `row` (from 1; 0 for none); NULL without limits of time, and when there is no memory for it. */
struct account *limits_open(int64_t row);
/* For tasks that share it: one more, one less. NULL is fine. */
struct account *limits_share(struct account *account);
void limits_close(struct account *account);
/* Of what is in no row. */
struct account *limits_script(void);

/* From here to limits_leave() time goes to `account` (NULL: nobody's), and `running` is what is to be poked. */
void limits_enter(struct account *account, void *running);
void limits_leave(void);
/* Within: something else is to be poked; returns what was. */
void *limits_switch(void *running);

/*
 * Ctrl-C where the program goes on: what runs for `account` is poked from now on, and limits_must_stop() and limits_message()
 * are about that. May be called in a signal handler.
 */
void limits_interrupt(struct account *account);
/* Ctrl-C where the program ends: what runs now is poked, until limits_leave(). False where nothing runs, or was poked before.
 * The same. */
bool limits_interrupt_running(void);
bool limits_interrupted(const struct account *account);
/* Who pays for what runs now; NULL for nobody. */
struct account *limits_running(void);

/* Memory has run out: more than config.memory was asked for, and refused. */
void limits_out_of_memory(void);

/* The limit that was passed; nothing that is the user's has to be run after it. */
enum limit limits_reached(void);
/* Can what ran when a limit was passed be stopped by now? Others get a little time, to finish what they have sent. */
bool limits_must_stop(void);
/* What to say of it, and what to do; "" before. */
const char *limits_message(void);
/* Of the account that passed it, 0 for none. */
int64_t limits_row(void);

#endif
