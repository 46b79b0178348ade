/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "program/disk_cache.h"

#include "base/hash.h"
#include "program/cache_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* "clbn" and the number of the format. A machine of the other byte order reads another number. */
#define MAGIC UINT64_C(0x636c626e00000002)

/* Bytes of an entry: far more than any program has, and few enough to be read at once. */
#define MAX_ENTRY_SIZE ((size_t)64 << 20)

/* A disk with fewer bytes free than that is taken for full: programs are usually smaller. */
#define ROOM_FOR_ENTRY (UINT64_C(8) << 20)

/* Names of files that are being written begin so. After so many seconds their writer must have died. */
#define TEMPORARY      "temporary-"
#define TEMPORARY_LIFE 3600

enum { NAME_SIZE = 128, TEMPORARY_ATTEMPTS = 100 };

/* A file is this header, the key, and the data. */
struct entry_header {
    uint64_t magic;
    uint64_t key_size;
    uint64_t data_size;
    uint64_t checksum; /* of the other members, the key and the data */
};

static uint64_t checksum_of(const struct entry_header *header, const void *key, const void *data)
{
    uint64_t hash = bn_hash(BN_HASH_START, header, offsetof(struct entry_header, checksum));
    hash = bn_hash(hash, key, (size_t)header->key_size);
    return bn_hash(hash, data, (size_t)header->data_size);
}

static bool fits(size_t key_size, size_t data_size)
{
    return key_size <= MAX_ENTRY_SIZE && data_size <= MAX_ENTRY_SIZE &&
           sizeof(struct entry_header) + key_size + data_size <= MAX_ENTRY_SIZE;
}

/* Two keys of the same hash share a file: reading it by the other key is a miss. */
static bool name_entry(char name[NAME_SIZE], const char *kind, const void *key, size_t key_size)
{
    int length = snprintf(name, NAME_SIZE, "%s-%016" PRIx64, kind, bn_hash(BN_HASH_START, key, key_size));
    return length > 0 && length < NAME_SIZE;
}

/* ---- Reading -------------------------------------------------------------------------------------------------------------- */

static bool read_all(int file, unsigned char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = read(file, bytes, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        bytes += count;
        size -= (size_t)count;
    }
    return true;
}

/* The bytes of an entry's file, for the caller to free; NULL if it cannot be an entry. */
static unsigned char *read_file(int file, size_t *size)
{
    if (!bn_is_own_file(file, size) || *size < sizeof(struct entry_header) || *size > MAX_ENTRY_SIZE)
        return NULL;
    unsigned char *content = malloc(*size);
    if (content && !read_all(file, content, *size)) {
        free(content);
        return NULL;
    }
    return content;
}

/* Whether a file's bytes are a sound entry of the key. Gives the size of its data, which are the last bytes. */
static bool check_entry(const unsigned char *content, size_t size, const void *key, size_t key_size, size_t *data_size)
{
    struct entry_header header;
    memcpy(&header, content, sizeof(header));
    if (header.magic != MAGIC || header.key_size != key_size || key_size > size - sizeof(header))
        return false;
    const unsigned char *its_key = content + sizeof(header);
    *data_size = size - sizeof(header) - key_size;
    return header.data_size == *data_size && memcmp(its_key, key, key_size) == 0 &&
           header.checksum == checksum_of(&header, its_key, its_key + key_size);
}

/* -1 if there is none. O_NONBLOCK: a pipe of that name must not make the call wait. */
static int open_entry(const char *name)
{
    int folder = bn_open_cache_folder(false);
    if (folder < 0)
        return -1;
    int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    close(folder);
    return file;
}

bool bn_cache_read(const char *kind, const void *key, size_t key_size, void **data, size_t *size)
{
    char name[NAME_SIZE];
    size_t file_size = 0, data_size = 0;
    int file = name_entry(name, kind, key, key_size) ? open_entry(name) : -1;
    if (file < 0)
        return false;
    unsigned char *content = read_file(file, &file_size);
    close(file);
    if (!content || !check_entry(content, file_size, key, key_size, &data_size)) {
        free(content);
        return false;
    }
    memmove(content, content + file_size - data_size, data_size);
    *data = content;
    *size = data_size;
    return true;
}

/* ---- Writing -------------------------------------------------------------------------------------------------------------- */

/* A file system that does not know its size says that it has no blocks, or no files. */
static bool has_room(int folder)
{
    struct statvfs disk;
    if (fstatvfs(folder, &disk) != 0)
        return false;
    const uint64_t block = disk.f_frsize > 0 ? disk.f_frsize : disk.f_bsize;
    return (disk.f_blocks == 0 || disk.f_bavail >= ROOM_FOR_ENTRY / (block > 0 ? block : 1)) &&
           (disk.f_files == 0 || disk.f_favail > 0);
}

/* A process that writes more than RLIMIT_FSIZE is killed. */
static bool may_write(size_t size)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && (limit.rlim_cur == RLIM_INFINITY || size <= limit.rlim_cur);
}

bool bn_cache_is_writable(void)
{
    int folder = may_write(ROOM_FOR_ENTRY) ? bn_open_cache_folder(true) : -1;
    if (folder < 0)
        return false;
    bool writable = faccessat(folder, ".", W_OK | X_OK, AT_EACCESS) == 0 && has_room(folder);
    close(folder);
    return writable;
}

static bool write_all(int file, const void *bytes, size_t size)
{
    const unsigned char *rest = bytes;
    while (size > 0) {
        ssize_t count = write(file, rest, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        rest += count;
        size -= (size_t)count;
    }
    return true;
}

static bool is_left(int folder, const char *name, time_t now)
{
    struct stat about;
    return strncmp(name, TEMPORARY, strlen(TEMPORARY)) == 0 && fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
           (about.st_mtime < now - TEMPORARY_LIFE || about.st_mtime > now + TEMPORARY_LIFE);
}

/* Deletes files of writers that died. */
static void delete_left(int folder)
{
    const time_t now = time(NULL);
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = again >= 0 ? fdopendir(again) : NULL;
    if (!names && again >= 0)
        close(again);
    if (!names)
        return;
    for (struct dirent *entry = readdir(names); entry; entry = readdir(names))
        if (is_left(folder, entry->d_name, now))
            unlinkat(folder, entry->d_name, 0);
    closedir(names);
}

/* Creates a file that no other call writes: its name has the process, the time, and a number that is new in each call. Where two
 * machines share the folder and still agree in all that, the next number is tried. */
static int create_temporary(int folder, char name[NAME_SIZE])
{
    static unsigned next;
    struct timespec now = { 0, 0 };
    clock_gettime(CLOCK_REALTIME, &now);
    for (int attempt = 0; attempt < TEMPORARY_ATTEMPTS; attempt++) {
        unsigned number = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);
        snprintf(name, NAME_SIZE, TEMPORARY "%ld-%lld%09ld-%u", (long)getpid(), (long long)now.tv_sec, now.tv_nsec, number);
        int file = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
        if (file >= 0 || errno != EEXIST)
            return file;
    }
    return -1;
}

/* Readers find the whole entry under its name, or the one before, even if the machine crashes meanwhile. */
static bool write_entry(int folder, const char *name, const struct entry_header *header, const void *key, const void *data)
{
    char temporary[NAME_SIZE];
    int file = create_temporary(folder, temporary);
    if (file < 0)
        return false;
    bool written = write_all(file, header, sizeof(*header)) && write_all(file, key, (size_t)header->key_size) &&
                   write_all(file, data, (size_t)header->data_size) && fsync(file) == 0;
    written = close(file) == 0 && written;
    if (written && renameat(folder, temporary, folder, name) == 0)
        return true;
    unlinkat(folder, temporary, 0);
    return false;
}

bool bn_cache_write(const char *kind, const void *key, size_t key_size, const void *data, size_t size)
{
    char name[NAME_SIZE];
    struct entry_header header = { .magic = MAGIC, .key_size = key_size, .data_size = size };
    if (!fits(key_size, size) || !may_write(sizeof(header) + key_size + size) || !name_entry(name, kind, key, key_size))
        return false;
    header.checksum = checksum_of(&header, key, data);
    int folder = bn_open_cache_folder(true);
    if (folder < 0)
        return false;
    delete_left(folder);
    bool written = write_entry(folder, name, &header, key, data);
    close(folder);
    return written;
}

void bn_cache_delete(const char *kind, const void *key, size_t key_size)
{
    char name[NAME_SIZE];
    int folder = name_entry(name, kind, key, key_size) ? bn_open_cache_folder(false) : -1;
    if (folder < 0)
        return;
    unlinkat(folder, name, 0);
    close(folder);
}
