/* jail: see jail.h. */
#include "jail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail_own.h"

static bool entered;

static bool give_up_privileges(char *why, size_t size)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        return true;
    snprintf(why, size, "%s", strerror(errno));
    return false;
}

/* Landlock before seccomp, which might be made to forbid its system calls some day. */
void jail_enter(const struct jail_rules *rules, struct jail_status *status)
{
    *status = (struct jail_status){0};
    entered = true;
    status->no_new_privs = give_up_privileges(status->no_new_privs_why, sizeof status->no_new_privs_why);
    status->landlock = jail_restrict_files(rules, status->landlock_why, sizeof status->landlock_why);
    status->seccomp = jail_filter_calls(status->seccomp_why, sizeof status->seccomp_why);
}

bool jail_is_entered(void)
{
    return entered;
}

static void try_and_tell(int out)
{
    static const char *const nothing[] = {NULL};
    struct jail_status status;
    jail_enter(&(struct jail_rules){.read = nothing, .write = nothing}, &status);
    _exit(write(out, &status, sizeof status) == (ssize_t)sizeof status ? 0 : 1);
}

bool jail_try(struct jail_status *status)
{
    int fds[2];
    if (pipe(fds) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0)
        try_and_tell(fds[1]);
    int error = errno;
    close(fds[1]);
    ssize_t n = pid > 0 ? read(fds[0], status, sizeof *status) : -1;
    close(fds[0]);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    errno = pid < 0 ? error : EIO;
    return n == (ssize_t)sizeof *status;
}
