/*
 * jail: what the process gives up, for good, before it runs code that nobody vouches for. For Linux, in three layers, of which
 * each is there without the others:
 *
 *   no new privileges   no program that is started could have more of them
 *   seccomp             no other programs and processes, and nothing of the kernel's that an API client has no need of
 *   Landlock            files below what `read` and `write` name, TCP to `ports`, and no signals to other processes
 *
 * It stands behind Lua's own restrictions, for the day on which somebody finds a way out of those. What is open already stays
 * so. All threads that begin later are in it, too; of those that run already, Landlock does not know.
 */
#ifndef MOONKEY_JAIL_H
#define MOONKEY_JAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jail_rules {
    const char *const *read, *const *write; /* files, and directories with all below them; ended by NULL; those of the system's
                                               that libraries need are added. What is not there is passed over */
    const uint16_t *ports;                  /* of TCP connections, beside DNS; ended by 0; NULL: any */
};

struct jail_status {
    bool no_new_privs, seccomp;
    int landlock;              /* version of its interface; 0: none */
    char no_new_privs_why[96]; /* what is in the way of a layer that is not there */
    char seccomp_why[96], landlock_why[96];
};

/* Once. Layers that are not to be had are passed over, and `status` says so. */
void jail_enter(const struct jail_rules *rules, struct jail_status *status);
/* What jail_enter() would come to here: a child of this process tries. False: it could not be tried, see errno. */
bool jail_try(struct jail_status *status);
/* Has jail_enter() been called? */
bool jail_is_entered(void);

#endif
