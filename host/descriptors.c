/* descriptors: see descriptors.h. */
#include "descriptors.h"

#include <sys/resource.h>

#include "log.h"

enum { RESERVE = 64 }; /* files, pipes, an emulator's process, the resolver's sockets */

unsigned descriptors_for(unsigned wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return wanted;
    rlim_t needed = (rlim_t)wanted + RESERVE;
    if (limit.rlim_cur < needed) {
        struct rlimit raised = {.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max, .rlim_max = limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            limit = raised;
    }
    if (limit.rlim_cur >= needed)
        return wanted;
    unsigned room = limit.rlim_cur > RESERVE ? (unsigned)(limit.rlim_cur - RESERVE) : 1;
    log_write(LOG_WARN,
              "only %u connection%s at a time instead of %u: the limit of open files is %lu; raise it with `ulimit -n %lu`",
              room, room == 1 ? "" : "s", wanted, (unsigned long)limit.rlim_cur, (unsigned long)needed);
    return room;
}
