/*
 * jail_calls: the system calls that a jail forbids.
 *
 * A list of what is forbidden, not of what is permitted: the latter would have to follow each new version of libc and of a
 * dozen libraries, and a run would end where it is wrong. What is forbidden fails with EPERM, as if the user were not permitted
 * to.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "jail_own.h"

#ifdef MOONKEY_SECCOMP

#include <fcntl.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* What libseccomp's macros for comparisons leave out is 0, which clang points out at each of them. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define DENY SCMP_ACT_ERRNO(EPERM)

/* Which argument of clone() has its flags. */
#ifdef __s390__
#define CLONE_FLAGS SCMP_A1_64
#else
#define CLONE_FLAGS SCMP_A0_64
#endif

/* The leak checker, which is no part of a program that people use, is a process of its own that traces this one. */
#ifdef __SANITIZE_ADDRESS__
enum { LEAKS_ARE_LOOKED_FOR = 1 };
#else
enum { LEAKS_ARE_LOOKED_FOR = 0 };
#endif

static const int forbidden[] = {
    /* other programs, and other processes */
    SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(process_madvise),
    SCMP_SYS(process_mrelease), SCMP_SYS(kcmp), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_getfd), SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(tkill), SCMP_SYS(migrate_pages), SCMP_SYS(move_pages),
    /* who it is, and what it sees */
    SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid), SCMP_SYS(setregid), SCMP_SYS(setresuid), SCMP_SYS(setresgid),
    SCMP_SYS(setfsuid), SCMP_SYS(setfsgid), SCMP_SYS(setgroups), SCMP_SYS(capset), SCMP_SYS(setns), SCMP_SYS(unshare),
    SCMP_SYS(chroot), SCMP_SYS(pivot_root), SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key),
    /* file systems; and what Landlock does not know of */
    SCMP_SYS(mount), SCMP_SYS(umount), SCMP_SYS(umount2), SCMP_SYS(fsopen), SCMP_SYS(fsconfig), SCMP_SYS(fsmount),
    SCMP_SYS(fspick), SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(mount_setattr), SCMP_SYS(swapon), SCMP_SYS(swapoff),
    SCMP_SYS(quotactl), SCMP_SYS(quotactl_fd), SCMP_SYS(open_by_handle_at), SCMP_SYS(fanotify_init), SCMP_SYS(chmod),
    SCMP_SYS(fchmodat), SCMP_SYS(chown), SCMP_SYS(lchown), SCMP_SYS(fchownat), SCMP_SYS(setxattr), SCMP_SYS(lsetxattr),
    SCMP_SYS(removexattr), SCMP_SYS(lremovexattr), SCMP_SYS(mknod), SCMP_SYS(mknodat),
    /* the machine */
    SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot), SCMP_SYS(syslog), SCMP_SYS(acct), SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(vhangup),
    SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(clock_adjtime), SCMP_SYS(adjtimex), SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    /* much used by those who attack the kernel; and what sends past the rules below */
    SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register), SCMP_SYS(lookup_dcookie), SCMP_SYS(uselib), SCMP_SYS(ustat), SCMP_SYS(sysfs),
    SCMP_SYS(modify_ldt), SCMP_SYS(vm86), SCMP_SYS(vm86old),
    /* a server */
    SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4)};

/* Those that make another process, or look into one. */
static const int of_processes[] = {SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(ptrace)};

static const uint32_t namespaces[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                      CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};

/* What makes the kernel signal whom one likes, and what types for the user at his terminal. */
static const int owners[] = {F_SETOWN, F_SETOWN_EX, F_SETSIG, F_NOTIFY};
static const uint32_t controls[] = {TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP};

static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

/* Not to be found on this architecture is as good as forbidden. */
static int deny(scmp_filter_ctx filter, int call, unsigned count, const struct scmp_arg_cmp *arguments)
{
    int failed = seccomp_rule_add_array(filter, DENY, call, count, arguments);
    return failed == -EDOM || failed == -EOPNOTSUPP ? 0 : failed;
}

static int deny_each(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int failed = 0;
    for (size_t i = 0; i < count && !failed; i++)
        failed = deny(filter, calls[i], 0, NULL);
    return failed;
}

/* Threads are needed; libc makes them by clone() where there is no clone3(), whose flags no filter can look at. */
static int deny_processes(scmp_filter_ctx filter)
{
    int failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces && !failed; i++) {
        struct scmp_arg_cmp has = CLONE_FLAGS(SCMP_CMP_MASKED_EQ, namespaces[i], namespaces[i]);
        failed = deny(filter, SCMP_SYS(clone), 1, &has);
    }
    if (failed || LEAKS_ARE_LOOKED_FOR)
        return failed;
    struct scmp_arg_cmp no_thread = CLONE_FLAGS(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
    failed = deny(filter, SCMP_SYS(clone), 1, &no_thread);
    return failed ? failed : deny_each(filter, of_processes, sizeof of_processes / sizeof *of_processes);
}

/* Signals to others, and limits of others. */
static int deny_others(scmp_filter_ctx filter)
{
    static const int calls[] = {SCMP_SYS(kill), SCMP_SYS(tgkill), SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo)};
    struct scmp_arg_cmp other = SCMP_A0_64(SCMP_CMP_NE, (uint64_t)getpid());
    int failed = 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls && !failed; i++)
        failed = deny(filter, calls[i], 1, &other);
    struct scmp_arg_cmp not_own = SCMP_A0_64(SCMP_CMP_NE, 0), not_query = SCMP_A0_64(SCMP_CMP_NE, 0xffffffffu);
    failed = failed ? failed : deny(filter, SCMP_SYS(prlimit64), 1, &not_own);
    return failed ? failed : deny(filter, SCMP_SYS(personality), 1, &not_query);
}

static int deny_controls(scmp_filter_ctx filter)
{
    int failed = 0;
    for (size_t i = 0; i < sizeof owners / sizeof *owners && !failed; i++) {
        struct scmp_arg_cmp is = SCMP_A1_64(SCMP_CMP_MASKED_EQ, 0xffffffffu, (uint32_t)owners[i]);
        failed = deny(filter, SCMP_SYS(fcntl), 1, &is);
    }
    for (size_t i = 0; i < sizeof controls / sizeof *controls && !failed; i++) {
        struct scmp_arg_cmp is = SCMP_A1_64(SCMP_CMP_MASKED_EQ, 0xffffffffu, controls[i]);
        failed = deny(filter, SCMP_SYS(ioctl), 1, &is);
    }
    return failed;
}

static bool is_permitted(int family)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (families[i] == family)
            return true;
    return false;
}

static int deny_socket(scmp_filter_ctx filter, struct scmp_arg_cmp first, struct scmp_arg_cmp second, unsigned count)
{
    return deny(filter, SCMP_SYS(socket), count, (struct scmp_arg_cmp[]){first, second});
}

/* TCP, UDP for names, netlink for routes (getaddrinfo asks), local ones for name services. */
static int deny_sockets(scmp_filter_ctx filter)
{
    int failed = deny_socket(filter, SCMP_A0_64(SCMP_CMP_GT, AF_NETLINK), (struct scmp_arg_cmp){0}, 1);
    for (int family = 0; family <= AF_NETLINK && !failed; family++)
        if (!is_permitted(family))
            failed = deny_socket(filter, SCMP_A0_64(SCMP_CMP_EQ, (uint64_t)family), (struct scmp_arg_cmp){0}, 1);
    struct scmp_arg_cmp raw = SCMP_A1_64(SCMP_CMP_MASKED_EQ, 0xf, SOCK_RAW);
    failed = failed ? failed : deny_socket(filter, SCMP_A0_64(SCMP_CMP_EQ, AF_INET), raw, 2);
    failed = failed ? failed : deny_socket(filter, SCMP_A0_64(SCMP_CMP_EQ, AF_INET6), raw, 2);
    struct scmp_arg_cmp no_routes = SCMP_A2_64(SCMP_CMP_NE, 0);
    return failed ? failed : deny_socket(filter, SCMP_A0_64(SCMP_CMP_EQ, AF_NETLINK), no_routes, 2);
}

static int load(scmp_filter_ctx filter)
{
    int failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    failed = failed ? failed : deny_each(filter, forbidden, sizeof forbidden / sizeof *forbidden);
    failed = failed ? failed : deny_processes(filter);
    failed = failed ? failed : deny_others(filter);
    failed = failed ? failed : deny_controls(filter);
    failed = failed ? failed : deny_sockets(filter);
    return failed ? failed : seccomp_load(filter);
}

bool jail_filter_calls(char *why, size_t size)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int failed = filter ? load(filter) : -ENOMEM;
    seccomp_release(filter);
    if (failed)
        snprintf(why, size, "the kernel does not take a filter (%s)", strerror(-failed));
    return !failed;
}

#else

bool jail_filter_calls(char *why, size_t size)
{
    snprintf(why, size, "this moonkey was built without libseccomp");
    return false;
}

#endif
