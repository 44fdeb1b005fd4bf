/* session: what Ctrl-C means where a person types one thing after another. */
#ifndef MOONKEY_LIB_SESSION_H
#define MOONKEY_LIB_SESSION_H

#include <stdbool.h>

/* SIGINT has come, and the loop tells of it. True: it was for what is under way, or for the prompt; the program goes on. */
bool session_takes_interrupt(void);

#endif
