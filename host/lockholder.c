/* lockholder: see lockholder.h. A line is "1: POSIX  ADVISORY  WRITE 1234 fd:01:5678 0 EOF", or has "->" for one that waits. */
#include "lockholder.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

pid_t lock_holder(const char *path)
{
    struct stat st;
    FILE *locks;
    char line[256];
    pid_t holder = 0;

    if (stat(path, &st) != 0 || !(locks = fopen("/proc/locks", "re")))
        return 0;
    while (!holder && fgets(line, sizeof line, locks)) {
        unsigned device_major, device_minor;
        unsigned long inode;
        int pid;

        if (sscanf(line, "%*d: %*s %*s %*s %d %x:%x:%lu", &pid, &device_major, &device_minor, &inode) == 4 && pid > 0 &&
            pid != getpid() && inode == st.st_ino && makedev(device_major, device_minor) == st.st_dev)
            holder = pid;
    }
    fclose(locks);
    return holder;
}
