/* Stands between a program and the C library (LD_PRELOAD), and lets the n-th call on watched folders go wrong.

   Calls are counted in two classes: changes (writes, names, fsync, times) and looks (opens, reads, stats,
   listings). The n-th can fail with an error, alone or with all after it, write or read but half, change a name
   and say that it has failed (as disks in the network do), or be the last thing that the process did (SIGKILL,
   right before the call). Changes can be written down, with their
   bytes, for `_power_cut.py`, which works out what a power cut would have left. Memory that is mapped is not
   seen: SQLite maps its -shm file, which is made anew after a crash. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CHANGE = 1, LOOK = 2, WRITE = 4, READ = 8, NAME = 16, CLASSES = 5 };
enum { COUNT = 0, FAIL = 1, HALF = 2, KILL = 3, LATE = 4 };
enum { CREATED = 1, WRITTEN, CUT, SYNCED, RENAMED, LINKED, SYMLINKED, UNLINKED, FOLDER, NO_FOLDER, CLONED };

#define FILES 65536
#define PLACES 4
static char places[PLACES][4096];
static unsigned char watched[FILES], writable[FILES];
static int armed, what, error_number, onwards, plain, log_file = -1, trace_file = -1;
static unsigned classes;
static long at, seen[CLASSES];
static const char *met;
static char met_at[4096];

/* --- what Python asks for ------------------------------------------------------------------------------- */

int faulty_watch(int number, const char *folder) {
    if (number < 0 || number >= PLACES || strlen(folder) >= sizeof places[0]) return -1;
    strcpy(places[number], folder);
    return 0;
}

void faulty_arm(int kind, long number, int error, int and_on, unsigned of) {
    what = kind, at = number, error_number = error, onwards = and_on, classes = of;
    memset(seen, 0, sizeof seen);
    met = NULL, met_at[0] = 0, armed = 1;
}

/* Have a file system that can rename only as POSIX has it. */
void faulty_plain(int is_plain) { plain = is_plain; }

void faulty_disarm(void) { armed = 0; }
long faulty_seen(int class) { return seen[class]; }
const char *faulty_met(void) { return met ? met : ""; }
const char *faulty_met_at(void) { return met_at; }
void faulty_log(int file) { log_file = file; }
void faulty_trace(int file) { trace_file = file; }

/* --- what is watched ------------------------------------------------------------------------------------ */

static int is_watched(int folder, const char *path) {
    if (!armed || path == NULL) return 0;
    if (path[0] != '/') return folder >= 0 && folder < FILES && watched[folder];
    for (int each = 0; each < PLACES; each++) {
        size_t length = strlen(places[each]);
        if (length && !strncmp(path, places[each], length) && (path[length] == '/' || !path[length])) return 1;
    }
    return 0;
}

static int is_open(int file) { return armed && file >= 0 && file < FILES && watched[file]; }

static void name_of(const char *path, int file, char *into, size_t size) {
    if (path != NULL) {
        snprintf(into, size, "%s", path);
        return;
    }
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    long length = syscall(SYS_readlink, link, into, size - 1);
    into[length < 0 ? 0 : length] = 0;
}

/* One line for each call, in one write: its thread, class, name and place. */
static void trace(unsigned class, const char *call, const char *path, int file) {
    char place[4096], line[4200];
    int before = errno;
    name_of(path, file, place, sizeof place);
    int length = snprintf(line, sizeof line, "%ld %u %s %s\n", syscall(SYS_gettid), class, call, place);
    syscall(SYS_write, trace_file, line, length);
    errno = before;
}

/* Return 0 to go on, -1 to fail (errno is set), 1 to do but half, or all, and then say that it failed. */
static int meets(unsigned class, const char *call, const char *path, int file) {
    long number = 0;
    if (trace_file >= 0) trace(class, call, path, file);
    for (int each = 0; each < CLASSES; each++) {
        if (!(class & 1u << each)) continue;
        long now = __atomic_add_fetch(&seen[each], 1, __ATOMIC_SEQ_CST);
        if (classes & 1u << each) number = now;
    }
    if (what == COUNT || number == 0 || number < at || (number > at && !onwards)) return 0;
    if (met == NULL) met = call, name_of(path, file, met_at, sizeof met_at);
    if (what == KILL) for (;;) kill(getpid(), SIGKILL);
    if (what == HALF || what == LATE) return 1;
    errno = error_number;
    return -1;
}

/* --- what is written down ------------------------------------------------------------------------------- */

struct record {
    uint32_t kind, first, second, flags;
    uint64_t device, inode, other;
    int64_t offset;
};

static void put(const void *data, size_t size) {
    const char *rest = data;
    while (size) {
        long done = syscall(SYS_write, log_file, rest, size);
        if (done <= 0) _exit(99);
        rest += done, size -= done;
    }
}

static void note(struct record *record, const void *first, const void *second) {
    put(record, sizeof *record);
    if (record->first) put(first, record->first);
    if (record->second) put(second, record->second);
}

static void note_file(int kind, int file, int64_t offset, const void *data, size_t size) {
    if (log_file < 0) return;
    int before = errno;
    struct stat status;
    if (syscall(SYS_fstat, file, &status) == 0) {
        int64_t time = status.st_mtim.tv_sec * 1000000000LL + status.st_mtim.tv_nsec;
        struct record record = {kind, size, 0, status.st_mode, status.st_dev, status.st_ino, 0, offset};
        if (kind == SYNCED) record.offset = time; /* what else is on the disk now */
        note(&record, data, NULL);
    }
    errno = before;
}

static void whole(int folder, const char *path, char *into) {
    if (path[0] == '/' || folder == AT_FDCWD) {
        snprintf(into, 8192, "%s", path);
        return;
    }
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    long length = syscall(SYS_readlink, link, into, 4096);
    if (length < 0) length = 0;
    snprintf(into + length, 8192 - length, "/%s", path);
}

static void note_names(int kind, int from, const char *first, int to, const char *second, unsigned flags) {
    if (log_file < 0) return;
    int before = errno;
    char one[8192], other[8192] = "";
    whole(from, first, one);
    if (second) whole(to, second, other);
    if (kind == SYMLINKED) snprintf(one, sizeof one, "%s", first);
    struct stat status = {0};
    syscall(SYS_newfstatat, AT_FDCWD, second ? other : one, &status, AT_SYMLINK_NOFOLLOW);
    struct record record = {kind, strlen(one), strlen(other), flags, status.st_dev, status.st_ino, 0, 0};
    note(&record, one, other);
    errno = before;
}

/* --- the calls ------------------------------------------------------------------------------------------ */

#define REAL(name)                                                                                             \
    static __typeof__(&name) real;                                                                             \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static int opened(int file, int flags, int is_new, const char *path, int folder) {
    if (file < 0 || file >= FILES) return file;
    watched[file] = 1;
    writable[file] = (flags & O_ACCMODE) != O_RDONLY;
    if (is_new) {
        char name[8192];
        whole(folder, path, name);
        note_file(CREATED, file, 0, name, strlen(name));
    } else if (flags & O_TRUNC) {
        note_file(CUT, file, 0, NULL, 0);
    }
    return file;
}

static int is_there(int folder, const char *path) {
    struct stat status;
    return syscall(SYS_newfstatat, folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static int open_any(int folder, const char *path, int flags, mode_t mode, const char *call) {
    int is_change = flags & (O_CREAT | O_TRUNC), is_new = 0;
    if (!is_watched(folder, path)) {
        int file = syscall(SYS_openat, folder, path, flags, mode);
        if (file >= 0 && file < FILES) watched[file] = 0;
        return file;
    }
    is_new = (flags & O_CREAT) && !is_there(folder, path);
    if (meets(is_change && (is_new || flags & O_TRUNC) ? CHANGE : LOOK, call, path, -1) < 0) return -1;
    return opened(syscall(SYS_openat, folder, path, flags, mode), flags, is_new, path, folder);
}

#define MODE                                                                                                   \
    mode_t mode = 0;                                                                                           \
    if (flags & (O_CREAT | __O_TMPFILE)) {                                                                     \
        va_list rest;                                                                                          \
        va_start(rest, flags);                                                                                 \
        mode = va_arg(rest, mode_t);                                                                           \
        va_end(rest);                                                                                          \
    }
int open(const char *path, int flags, ...) { MODE return open_any(AT_FDCWD, path, flags, mode, "open"); }
int open64(const char *path, int flags, ...) { MODE return open_any(AT_FDCWD, path, flags | O_LARGEFILE, mode, "open"); }
int openat(int folder, const char *path, int flags, ...) { MODE return open_any(folder, path, flags, mode, "open"); }
int openat64(int folder, const char *path, int flags, ...) { MODE return open_any(folder, path, flags | O_LARGEFILE, mode, "open"); }

/* What a network file system has no room for may be told only here; the file is closed all the same. */
int close(int file) {
    REAL(close);
    int bad = is_open(file) && writable[file] ? meets(CHANGE, "close", NULL, file) : 0, before = errno;
    if (file >= 0 && file < FILES) watched[file] = 0;
    int done = real(file);
    if (bad < 0) errno = before;
    return bad < 0 ? -1 : done;
}

static ssize_t wrote(int file, const void *data, ssize_t size, int64_t offset) {
    if (size > 0) note_file(WRITTEN, file, offset < 0 ? lseek(file, 0, SEEK_CUR) - size : offset, data, size);
    return size;
}

ssize_t write(int file, const void *data, size_t size) {
    REAL(write);
    if (!is_open(file)) return real(file, data, size);
    int bad = meets(CHANGE | WRITE, "write", NULL, file);
    if (bad < 0) return -1;
    return wrote(file, data, real(file, data, bad && size > 1 ? size / 2 : size), -1);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t offset) {
    REAL(pwrite64);
    if (!is_open(file)) return real(file, data, size, offset);
    int bad = meets(CHANGE | WRITE, "write", NULL, file);
    if (bad < 0) return -1;
    return wrote(file, data, real(file, data, bad && size > 1 ? size / 2 : size, offset), offset);
}
ssize_t pwrite(int file, const void *data, size_t size, off_t offset) { return pwrite64(file, data, size, offset); }

ssize_t writev(int file, const struct iovec *parts, int number) {
    REAL(writev);
    if (!is_open(file)) return real(file, parts, number);
    if (number != 1) _exit(98); /* nobody does, so far */
    return write(file, parts->iov_base, parts->iov_len);
}

ssize_t read(int file, void *data, size_t size) {
    REAL(read);
    int bad = is_open(file) ? meets(LOOK | READ, "read", NULL, file) : 0;
    return bad < 0 ? -1 : real(file, data, bad && size > 1 ? size / 2 : size);
}
ssize_t __read_chk(int file, void *data, size_t size, size_t room) { (void)room; return read(file, data, size); }

ssize_t pread64(int file, void *data, size_t size, off64_t offset) {
    REAL(pread64);
    int bad = is_open(file) ? meets(LOOK | READ, "read", NULL, file) : 0;
    return bad < 0 ? -1 : real(file, data, bad && size > 1 ? size / 2 : size, offset);
}
ssize_t pread(int file, void *data, size_t size, off_t offset) { return pread64(file, data, size, offset); }

static int synced(int file, int done) {
    if (done == 0) note_file(SYNCED, file, 0, NULL, 0);
    return done;
}
int fsync(int file) {
    REAL(fsync);
    if (!is_open(file)) return real(file);
    return meets(CHANGE, "fsync", NULL, file) < 0 ? -1 : synced(file, real(file));
}
int fdatasync(int file) {
    REAL(fdatasync);
    if (!is_open(file)) return real(file);
    return meets(CHANGE, "fsync", NULL, file) < 0 ? -1 : synced(file, real(file));
}

int ftruncate64(int file, off64_t size) {
    REAL(ftruncate64);
    if (!is_open(file)) return real(file, size);
    if (meets(CHANGE, "truncate", NULL, file) < 0) return -1;
    int done = real(file, size);
    if (done == 0) note_file(CUT, file, size, NULL, 0);
    return done;
}
int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

static int late(int done) {
    if (done == 0) errno = error_number;
    return -1;
}

static int renamed(int from, const char *source, int to, const char *target, unsigned flags) {
    if (is_watched(from, source) || is_watched(to, target)) {
        if (plain && flags) {
            errno = EINVAL;
            return -1;
        }
        int bad = meets(CHANGE | NAME, "rename", source, -1);
        if (bad < 0) return -1;
        int done = syscall(SYS_renameat2, from, source, to, target, flags);
        if (done == 0) note_names(RENAMED, from, source, to, target, flags);
        return bad ? late(done) : done;
    }
    return syscall(SYS_renameat2, from, source, to, target, flags);
}
int rename(const char *source, const char *target) { return renamed(AT_FDCWD, source, AT_FDCWD, target, 0); }
int renameat(int from, const char *source, int to, const char *target) { return renamed(from, source, to, target, 0); }
int renameat2(int from, const char *source, int to, const char *target, unsigned flags) {
    return renamed(from, source, to, target, flags);
}

/* A change of a name by a system call that is given a folder and a path, and what is noted of it. */
#define NAMES(path, folder, call, act, noting)                                                                 \
    if (!is_watched(folder, path)) return act;                                                                 \
    int bad = meets(CHANGE | NAME, call, path, -1);                                                            \
    if (bad < 0) return -1;                                                                                    \
    int done = act;                                                                                            \
    if (done == 0) noting;                                                                                     \
    return bad ? late(done) : done

int linkat(int from, const char *source, int to, const char *target, int flags) {
    NAMES(target, to, "link", syscall(SYS_linkat, from, source, to, target, flags),
          note_names(LINKED, from, source, to, target, 0));
}
int link(const char *source, const char *target) { return linkat(AT_FDCWD, source, AT_FDCWD, target, 0); }
int symlinkat(const char *source, int to, const char *target) {
    NAMES(target, to, "symlink", syscall(SYS_symlinkat, source, to, target),
          note_names(SYMLINKED, AT_FDCWD, source, to, target, 0));
}
int symlink(const char *source, const char *target) { return symlinkat(source, AT_FDCWD, target); }
int unlinkat(int folder, const char *path, int flags) {
    NAMES(path, folder, flags & AT_REMOVEDIR ? "rmdir" : "unlink", syscall(SYS_unlinkat, folder, path, flags),
          note_names(flags & AT_REMOVEDIR ? NO_FOLDER : UNLINKED, folder, path, 0, NULL, 0));
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int mkdirat(int folder, const char *path, mode_t mode) {
    NAMES(path, folder, "mkdir", syscall(SYS_mkdirat, folder, path, mode),
          note_names(FOLDER, folder, path, 0, NULL, 0));
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

/* Modes, owners and times are counted, and not written down. */
#define DRESSING(name, declared, given, is_ours, path, file)                                                              \
    int name declared {                                                                                        \
        REAL(name);                                                                                            \
        if (is_ours && meets(CHANGE, #name, path, file) < 0) return -1;                                                    \
        return real given;                                                                                     \
    }
DRESSING(chmod, (const char *path, mode_t mode), (path, mode), is_watched(AT_FDCWD, path), path, -1)
DRESSING(fchmod, (int file, mode_t mode), (file, mode), is_open(file), NULL, file)
DRESSING(fchmodat, (int folder, const char *path, mode_t mode, int flags), (folder, path, mode, flags), is_watched(folder, path), path, -1)
DRESSING(chown, (const char *path, uid_t user, gid_t group), (path, user, group), is_watched(AT_FDCWD, path), path, -1)
DRESSING(fchown, (int file, uid_t user, gid_t group), (file, user, group), is_open(file), NULL, file)
DRESSING(futimens, (int file, const struct timespec times[2]), (file, times), is_open(file), NULL, file)
DRESSING(utimensat, (int folder, const char *path, const struct timespec times[2], int flags), (folder, path, times, flags), is_watched(folder, path), path, -1)

int ioctl(int file, unsigned long request, ...) {
    REAL(ioctl);
    va_list rest;
    va_start(rest, request);
    void *given = va_arg(rest, void *);
    va_end(rest);
    if (request != 0x40049409 || !is_open(file)) return real(file, request, given);
    if (meets(CHANGE, "clone", NULL, file) < 0) return -1;
    int done = real(file, request, given);
    struct stat status;
    if (done == 0 && log_file >= 0 && syscall(SYS_fstat, (int)(intptr_t)given, &status) == 0) {
        struct stat own;
        syscall(SYS_fstat, file, &own);
        struct record record = {CLONED, 0, 0, 0, own.st_dev, own.st_ino, status.st_ino, 0};
        note(&record, NULL, NULL);
    }
    return done;
}

#define LOOKING(name, declared, given, is_ours, kind, path, file)                                                         \
    int name declared {                                                                                        \
        REAL(name);                                                                                            \
        if (is_ours && meets(LOOK, kind, path, file) < 0) return -1;                                                       \
        return real given;                                                                                     \
    }
LOOKING(stat, (const char *path, struct stat *into), (path, into), is_watched(AT_FDCWD, path), "stat", path, -1)
LOOKING(stat64, (const char *path, struct stat64 *into), (path, into), is_watched(AT_FDCWD, path), "stat", path, -1)
LOOKING(lstat, (const char *path, struct stat *into), (path, into), is_watched(AT_FDCWD, path), "stat", path, -1)
LOOKING(lstat64, (const char *path, struct stat64 *into), (path, into), is_watched(AT_FDCWD, path), "stat", path, -1)
LOOKING(fstat, (int file, struct stat *into), (file, into), is_open(file), "stat", NULL, file)
LOOKING(fstat64, (int file, struct stat64 *into), (file, into), is_open(file), "stat", NULL, file)
LOOKING(fstatat, (int folder, const char *path, struct stat *into, int flags), (folder, path, into, flags), is_watched(folder, path), "stat", path, -1)
LOOKING(fstatat64, (int folder, const char *path, struct stat64 *into, int flags), (folder, path, into, flags), is_watched(folder, path), "stat", path, -1)
LOOKING(access, (const char *path, int mode), (path, mode), is_watched(AT_FDCWD, path), "access", path, -1)
LOOKING(faccessat, (int folder, const char *path, int mode, int flags), (folder, path, mode, flags), is_watched(folder, path), "access", path, -1)

ssize_t readlink(const char *path, char *into, size_t size) {
    REAL(readlink);
    return is_watched(AT_FDCWD, path) && meets(LOOK, "readlink", path, -1) < 0 ? -1 : real(path, into, size);
}

DIR *opendir(const char *path) {
    REAL(opendir);
    if (!is_watched(AT_FDCWD, path)) return real(path);
    if (meets(LOOK, "opendir", path, -1) < 0) return NULL;
    DIR *folder = real(path);
    if (folder && dirfd(folder) < FILES) watched[dirfd(folder)] = 1, writable[dirfd(folder)] = 0;
    return folder;
}
int closedir(DIR *folder) { /* which closes without a call that is seen */
    REAL(closedir);
    int file = dirfd(folder);
    if (file >= 0 && file < FILES) watched[file] = 0;
    return real(folder);
}
struct dirent64 *readdir64(DIR *folder) {
    REAL(readdir64);
    return is_open(dirfd(folder)) && meets(LOOK, "readdir", NULL, dirfd(folder)) < 0 ? NULL : real(folder);
}
struct dirent *readdir(DIR *folder) {
    REAL(readdir);
    return is_open(dirfd(folder)) && meets(LOOK, "readdir", NULL, dirfd(folder)) < 0 ? NULL : real(folder);
}
