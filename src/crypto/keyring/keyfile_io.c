// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Reading is refused unless nobody but the server's user and root can have read or changed the
// file; all checks are made on the open file, so that it cannot be exchanged between check and use.
// Writing leaves a whole file or none: a draft beside it gets the file's name once it is whole and
// on the disk. A kill leaves a draft at most, which nobody reads.
#include "crypto/keyring/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DRAFT_SUFFIX ".XXXXXX"

struct failure {
    int number; // errno; 0 ends the table and stands for any other
    enum err err;
    const char *advice; // ends in a command that lacks only the path
};

static const struct failure read_failures[] = {
    {ENOENT, ERR_NOT_FOUND, "make one with: otpd init --key-file"},
    {ENOTDIR, ERR_NOT_FOUND, "make one with: otpd init --key-file"},
    {EACCES, ERR_PERMISSION, "see whose it is with: ls -l"},
    {ELOOP, ERR_INVALID, "it is a symbolic link; find the file to name with: readlink -f"},
    {0, ERR_IO, "look at it with: ls -l"},
};

// Here the path is that of the directory.
static const struct failure write_failures[] = {
    {EEXIST, ERR_IN_USE, "keys are never overwritten; see what is there with: ls -l"},
    {ENOENT, ERR_NOT_FOUND, "make its directory with: mkdir -p"},
    {ENOTDIR, ERR_NOT_FOUND, "see what is in the way with: ls -ld"},
    {EACCES, ERR_PERMISSION, "see who may write there with: ls -ld"},
    {0, ERR_IO, "see what is left there with: df"},
};

static const struct failure *failure_find(const struct failure *table, int number)
{
    while (table->number != 0 && table->number != number)
        table++;
    return table;
}

static enum err check_mode(const char *path, const struct stat *stat, struct err_info *info)
{
    if (stat->st_uid != geteuid() && stat->st_uid != 0) {
        err_info_set(info, "key file %s belongs to another user (%u); mend with: chown %u %s", path,
                     stat->st_uid, geteuid(), path);
        return ERR_PERMISSION;
    }
    if ((stat->st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        err_info_set(info, "key file %s is open to others (mode %04o); mend with: chmod 600 %s",
                     path, stat->st_mode & 07777, path);
        return ERR_PERMISSION;
    }
    return ERR_OK;
}

static enum err check_file(int fd, const char *path, struct err_info *info)
{
    struct stat stat;
    if (fstat(fd, &stat) < 0) {
        err_info_set(info, "cannot look at key file %s: %s", path, strerror(errno));
        return ERR_IO;
    }
    if (!S_ISREG(stat.st_mode)) {
        err_info_set(info, "key file %s is not a regular file; see what it is with: ls -ld %s",
                     path, path);
        return ERR_INVALID;
    }
    return check_mode(path, &stat, info);
}

// Up to `cap` bytes or the end of the file; −1 on error.
static ssize_t read_all(int fd, uint8_t *out, size_t cap)
{
    size_t len = 0;
    while (len < cap) {
        ssize_t n = read(fd, out + len, cap - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

static enum err parse_content(int fd, const char *path, struct keyfile *out, struct err_info *info)
{
    uint8_t text[KEYFILE_BYTES_MAX + 1];
    ssize_t len = read_all(fd, text, sizeof text);
    if (len < 0) {
        err_info_set(info, "cannot read key file %s: %s", path, strerror(errno));
        return ERR_IO;
    }
    struct err_info cause;
    err_info_set(&cause, "larger than any key file");
    enum err err = ERR_INVALID;
    if (len <= (ssize_t)KEYFILE_BYTES_MAX)
        err = keyfile_parse(span_make(text, (size_t)len), out, &cause);
    wipe(text, sizeof text);
    if (err != ERR_OK)
        err_info_set(info,
                     "key file %s: %s; put your copy in its place with: install -m 600 COPY %s",
                     path, cause.text, path);
    return err;
}

enum err keyfile_read(const char *path, struct keyfile *out, struct err_info *info)
{
    // O_NONBLOCK: opening a named pipe would wait for a writer.
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        const struct failure *failure = failure_find(read_failures, errno);
        err_info_set(info, "cannot open key file %s: %s; %s %s", path, strerror(errno),
                     failure->advice, path);
        return failure->err;
    }
    enum err err = check_file(fd, path, info);
    if (err == ERR_OK)
        err = parse_content(fd, path, out, info);
    (void)close(fd);
    return err;
}

struct directory {
    char path[PATH_MAX];
};

static enum err directory_of(const char *path, struct directory *out, struct err_info *info)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash != NULL ? (size_t)(slash - path) : 0;
    if (len >= sizeof out->path) {
        err_info_set(info, "the path of the key file is longer than %d bytes", PATH_MAX);
        return ERR_INVALID;
    }
    memcpy(out->path, path, len);
    out->path[len] = '\0';
    if (len == 0)
        memcpy(out->path, slash != NULL ? "/" : ".", 2);
    return ERR_OK;
}

static bool write_all(int fd, struct span text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.data, text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        text = span_from(text, (size_t)n);
    }
    return true;
}

// The name of a new file is as durable as its directory.
static bool directory_sync(const struct directory *directory)
{
    int fd = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is_synced = fsync(fd) == 0;
    (void)close(fd);
    return is_synced;
}

static bool fill_and_sync(int fd, const struct keyfile *keyfile)
{
    if (fchmod(fd, S_IRUSR | S_IWUSR) < 0) // a umask may have taken our own bits too
        return false;
    uint8_t storage[KEYFILE_BYTES_MAX];
    struct strbuf text = strbuf_over(storage, sizeof storage);
    keyfile_format(keyfile, &text);
    bool is_written = write_all(fd, strbuf_span(&text));
    wipe(storage, sizeof storage);
    return is_written && fsync(fd) == 0;
}

static enum err write_failed(int number, const char *path, const struct directory *directory,
                             struct err_info *info)
{
    const struct failure *failure = failure_find(write_failures, number);
    err_info_set(info, "cannot write key file %s: %s; %s %s", path, strerror(number),
                 failure->advice, directory->path);
    return failure->err;
}

// A link is made only where nothing is. False: as errno says, and nothing is there that was not.
static bool give_name(const char *draft, const char *path, const struct directory *directory)
{
    if (link(draft, path) < 0)
        return false;
    if (directory_sync(directory))
        return true;
    int number = errno;
    (void)unlink(path);
    errno = number;
    return false;
}

enum err keyfile_write_new(const char *path, const struct keyfile *keyfile, struct err_info *info)
{
    struct directory directory;
    struct stat there;
    char draft[PATH_MAX + sizeof DRAFT_SUFFIX] = {0};
    struct strbuf name = strbuf_over(draft, sizeof draft - 1);
    enum err err = directory_of(path, &directory, info);
    if (err != ERR_OK)
        return err;
    if (lstat(path, &there) == 0)
        return write_failed(EEXIST, path, &directory, info);
    strbuf_put_text(&name, path);
    strbuf_put_text(&name, DRAFT_SUFFIX);
    int fd = name.is_overflowed ? -1 : mkostemp(draft, O_CLOEXEC);
    if (fd < 0)
        return write_failed(name.is_overflowed ? ENAMETOOLONG : errno, path, &directory, info);
    bool is_written = fill_and_sync(fd, keyfile) && give_name(draft, path, &directory);
    int number = errno;
    (void)close(fd);
    (void)unlink(draft);
    return is_written ? ERR_OK : write_failed(number, path, &directory, info);
}
