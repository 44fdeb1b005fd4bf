/*
 * jail_files: the files that a jail leaves, the TCP ports, and whom it may signal. By Landlock, whose interface is written down
 * here: the headers of the system that this is built on are often older than the kernel that it runs on. Of each kernel all is
 * taken that it has.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail_own.h"

enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 }; /* on every architecture */
enum { VERSION = 1 };                                               /* flag of CREATE_RULESET */
enum { RULE_PATH = 1, RULE_PORT = 2 };

/* By the version of the interface that brought it; what it does not know, it refuses. */
enum {
    EXECUTE = 1 << 0,
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_DIR = 1 << 3,
    REMOVE_FILE = 1 << 5,
    MAKE_REG = 1 << 8,
    OF_VERSION_1 = (1 << 13) - 1,
    REFER = 1 << 13,     /* 2 */
    TRUNCATE = 1 << 14,  /* 3 */
    IOCTL_DEV = 1 << 15, /* 5 */
    BIND_TCP = 1 << 0,   /* 4 */
    CONNECT_TCP = 1 << 1,
    ABSTRACT_UNIX_SOCKET = 1 << 0, /* 6 */
    SIGNAL = 1 << 1,

    OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV, /* the others are rights to directories */
    READING = READ_FILE | READ_DIR,
    WRITING = READING | WRITE_FILE | TRUNCATE | MAKE_REG | REMOVE_FILE,
    DEVICE = READ_FILE | WRITE_FILE | IOCTL_DEV,
    DNS = 53
};

struct ruleset {
    uint64_t files, net, scoped;
};

struct path_rule {
    uint64_t rights;
    int32_t directory;
} __attribute__((packed));

struct port_rule {
    uint64_t rights, port;
};

/*
 * What libc, libcurl and OpenSSL read while a run goes on: libraries for names, certificates, time zones, character sets. The
 * directory, not the file, where a file is replaced while others read it.
 */
static const char *const system_files[] = {"/usr",
                                           "/lib",
                                           "/lib64",
                                           "/lib32",
                                           "/proc/self",
                                           "/sys/devices/system/cpu",
                                           "/run/systemd/resolve",
                                           "/run/resolvconf",
                                           "/run/NetworkManager",
                                           "/run/nscd",
                                           "/var/cache/nscd",
                                           "/var/lib/ca-certificates",
                                           "/dev/urandom",
                                           "/dev/random",
                                           "/dev/zero",
                                           "/nix/store",
                                           "/opt",
                                           NULL};

/* For root, whom nothing else keeps from shadow, and from the keys in /etc; anybody else may read /etc. */
static const char *const files_of_etc[] = {
    "/etc/resolv.conf",  "/etc/hosts",           "/etc/host.conf",    "/etc/nsswitch.conf",   "/etc/gai.conf",
    "/etc/services",     "/etc/protocols",       "/etc/localtime",    "/etc/timezone",        "/etc/ld.so.cache",
    "/etc/ssl/certs",    "/etc/ssl/openssl.cnf", "/etc/ssl/cert.pem", "/etc/ca-certificates", "/etc/pki/tls/certs",
    "/etc/pki/ca-trust", "/etc/crypto-policies", "/etc/passwd",       "/etc/terminfo",        NULL};

static const char *const whole_etc[] = {"/etc", NULL};
static const char *const devices[] = {"/dev/null", "/dev/tty", NULL};
/* Files and directories that these name are libraries' own to read. */
static const char *const variables[] = {"SSL_CERT_FILE", "SSL_CERT_DIR", "MOONKEY_LUA", "LOCPATH", "TZDIR"};

static uint64_t files_of(int version)
{
    return OF_VERSION_1 | (version >= 2 ? REFER : 0) | (version >= 3 ? TRUNCATE : 0) | (version >= 5 ? IOCTL_DEV : 0);
}

static int new_ruleset(int version, bool ports_are_limited)
{
    struct ruleset r = {.files = files_of(version)};
    size_t size = version < 4 ? sizeof r.files : version < 6 ? sizeof r.files + sizeof r.net : sizeof r;
    if (version >= 4)
        r.net = BIND_TCP | (ports_are_limited ? CONNECT_TCP : 0);
    if (version >= 6)
        r.scoped = ABSTRACT_UNIX_SOCKET | SIGNAL;
    return (int)syscall(CREATE_RULESET, &r, size, 0);
}

/* What is not there, or cannot be reached, needs no rule. */
static int allow(int ruleset, const char *path, uint64_t rights)
{
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rights &= OF_FILES;
    int failed = (int)syscall(ADD_RULE, ruleset, RULE_PATH, &(struct path_rule){.rights = rights, .directory = fd}, 0);
    int error = errno;
    close(fd);
    errno = error;
    return failed && error != EBADFD ? -1 : 0; /* one that Landlock has no part in stays as it is */
}

static int allow_each(int ruleset, const char *const *paths, uint64_t rights)
{
    for (; *paths; paths++)
        if (allow(ruleset, *paths, rights) != 0)
            return -1;
    return 0;
}

static int allow_system(int ruleset, uint64_t handled)
{
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *path = getenv(variables[i]);
        if (path && *path == '/' && allow(ruleset, path, READING) != 0)
            return -1;
    }
    return allow_each(ruleset, system_files, READING) || allow_each(ruleset, devices, DEVICE & handled) ||
                   allow_each(ruleset, geteuid() == 0 ? files_of_etc : whole_etc, READING)
               ? -1
               : 0;
}

static int allow_port(int ruleset, uint16_t port)
{
    return (int)syscall(ADD_RULE, ruleset, RULE_PORT, &(struct port_rule){.rights = CONNECT_TCP, .port = port}, 0);
}

static int allow_ports(int ruleset, const uint16_t *ports)
{
    int failed = allow_port(ruleset, DNS);
    for (; *ports && !failed; ports++)
        failed = allow_port(ruleset, *ports);
    return failed;
}

static int enter(int ruleset, int version, const struct jail_rules *rules)
{
    uint64_t handled = files_of(version);
    if (allow_system(ruleset, handled) != 0 || allow_each(ruleset, rules->read, READING) != 0 ||
        allow_each(ruleset, rules->write, WRITING & handled) != 0)
        return -1;
    if (version >= 4 && rules->ports && allow_ports(ruleset, rules->ports) != 0)
        return -1;
    return (int)syscall(RESTRICT_SELF, ruleset, 0);
}

static const char *reason(int error)
{
    if (error == ENOSYS)
        return "the kernel has none; Linux 5.13 and later can have it";
    return error == EOPNOTSUPP ? "it is switched off; the kernel's option lsm= has to name it" : strerror(error);
}

int jail_restrict_files(const struct jail_rules *rules, char *why, size_t size)
{
    int version = (int)syscall(CREATE_RULESET, NULL, 0, VERSION);
    int ruleset = version > 0 ? new_ruleset(version, rules->ports != NULL) : -1;
    int failed = ruleset < 0 || enter(ruleset, version, rules) != 0;
    if (failed)
        snprintf(why, size, "%s", reason(errno));
    if (ruleset >= 0)
        close(ruleset);
    return failed ? 0 : version;
}
