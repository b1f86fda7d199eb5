// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "crypto/keyring/keyring.h"
#include "crypto/pure/code.h"
#include "crypto/pure/random.h"
#include "crypto/pure/test_help.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define DAY_MS KEYRING_EPOCH_MS_DEFAULT
#define NOW_MS ((int64_t)20000 * DAY_MS + 5)

// A directory of its own for each test, with a good key file in it.
struct place {
    char directory[64];
    char file[96];
    char other[96];
    struct err_info info;
};

static int place_make(void **state)
{
    struct place *place = test_calloc(1, sizeof *place);
    (void)snprintf(place->directory, sizeof place->directory, "/tmp/otpd-keyring-XXXXXX");
    if (mkdtemp(place->directory) == NULL)
        return -1;
    (void)snprintf(place->file, sizeof place->file, "%s/keys", place->directory);
    (void)snprintf(place->other, sizeof place->other, "%s/other", place->directory);
    struct entropy entropy = entropy_system();
    *state = place;
    return keyring_create_file(place->file, &entropy, &place->info) == ERR_OK ? 0 : -1;
}

static int place_remove(void **state)
{
    struct place *place = *state;
    (void)unlink(place->file);
    (void)unlink(place->other);
    int rc = rmdir(place->directory);
    test_free(place);
    return rc;
}

static enum err load(struct place *place, const char *path)
{
    struct keyring *keyring = NULL;
    enum err err = keyring_load(path, DAY_MS, &keyring, &place->info);
    assert_int_equal(keyring != NULL, err == ERR_OK);
    keyring_destroy(&keyring);
    assert_null(keyring);
    return err;
}

// The story, with `%` for the path.
static void assert_story(const struct place *place, const char *path, const char *expected)
{
    char text[sizeof place->info.text] = {0};
    struct strbuf buf = strbuf_over(text, sizeof text - 1);
    for (; *expected != '\0'; expected++) {
        if (*expected == '%')
            strbuf_put_text(&buf, path);
        if (*expected != '%')
            strbuf_put_byte(&buf, (uint8_t)*expected);
    }
    assert_string_equal(place->info.text, text);
}

static void a_new_file_is_private_and_loads(void **state)
{
    struct place *place = *state;
    struct stat stat_of;
    assert_int_equal(stat(place->file, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 07777, 0600);
    assert_int_equal(load(place, place->file), ERR_OK);
    assert_int_equal(chmod(place->file, 0400), 0);
    assert_int_equal(load(place, place->file), ERR_OK);
}

static void a_tight_umask_does_no_harm(void **state)
{
    struct place *place = *state;
    struct entropy entropy = entropy_system();
    mode_t before = umask(0777);
    enum err err = keyring_create_file(place->other, &entropy, &place->info);
    (void)umask(before);
    assert_int_equal(err, ERR_OK);
    struct stat stat_of;
    assert_int_equal(stat(place->other, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 07777, 0600);
    assert_int_equal(load(place, place->other), ERR_OK);
}

static void a_file_gives_the_same_keys_again(void **state)
{
    struct place *place = *state;
    struct keyring *a, *b;
    assert_int_equal(keyring_load(place->file, DAY_MS, &a, &place->info), ERR_OK);
    assert_int_equal(keyring_load(place->file, DAY_MS, &b, &place->info), ERR_OK);
    assert_memory_equal(keyring_index(a), keyring_index(b), KEY_BYTES);
    assert_memory_equal(keyring_seal(a), keyring_seal(b), KEY_BYTES);
    assert_memory_equal(keyring_wrap(a), keyring_wrap(b), KEY_BYTES);
    assert_memory_equal(keyring_epochs(a, NOW_MS), keyring_epochs(b, NOW_MS),
                        sizeof(struct epoch_set));
    assert_memory_not_equal(keyring_index(a), keyring_seal(a), KEY_BYTES);
    assert_memory_not_equal(keyring_index(a), keyring_wrap(a), KEY_BYTES);
    keyring_destroy(&a);
    keyring_destroy(&b);
}

static void a_file_is_never_overwritten(void **state)
{
    struct place *place = *state;
    struct entropy entropy = entropy_system();
    assert_int_equal(keyring_create_file(place->file, &entropy, &place->info), ERR_IN_USE);
    assert_story(place, place->directory,
                 "cannot write key file %/keys: File exists; keys are never overwritten; see what "
                 "is there with: ls -l %");
    assert_int_equal(load(place, place->file), ERR_OK);
    assert_int_equal(symlink("nowhere", place->other), 0);
    assert_int_equal(keyring_create_file(place->other, &entropy, &place->info), ERR_IN_USE);
}

static size_t files_in(const char *path)
{
    size_t count = 0;
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
        count += entry->d_name[0] != '.';
    assert_int_equal(closedir(directory), 0);
    return count;
}

static void remove_drafts(const struct place *place)
{
    glob_t found;
    char pattern[128];
    (void)snprintf(pattern, sizeof pattern, "%s.*", place->other);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        assert_int_equal(unlink(found.gl_pathv[i]), 0);
    globfree(&found);
}

// The kernel ends the child in the midst of its writing.
static void be_killed_writing(struct place *place)
{
    const struct rlimit limit = {100, 100};
    const struct rlimit no_core = {0, 0};
    struct entropy entropy = entropy_system();
    if (setrlimit(RLIMIT_CORE, &no_core) == 0 && setrlimit(RLIMIT_FSIZE, &limit) == 0)
        (void)!keyring_create_file(place->other, &entropy, &place->info);
    _exit(1);
}

static void a_kill_leaves_no_half_of_a_file(void **state)
{
    struct place *place = *state;
    struct entropy entropy = entropy_system();
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        be_killed_writing(place);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGXFSZ);
    assert_int_equal(files_in(place->directory), 2); // the good one, and what was begun
    assert_int_equal(load(place, place->other), ERR_NOT_FOUND);
    assert_int_equal(keyring_create_file(place->other, &entropy, &place->info), ERR_OK);
    assert_int_equal(load(place, place->other), ERR_OK);
    remove_drafts(place);
    assert_int_equal(files_in(place->directory), 2);
}

static void a_directory_must_be_there_for_a_new_file(void **state)
{
    struct place *place = *state;
    struct entropy entropy = entropy_system();
    assert_int_equal(keyring_create_file("/nonexistent/otpd/keys", &entropy, &place->info),
                     ERR_NOT_FOUND);
    assert_string_equal(place->info.text,
                        "cannot write key file /nonexistent/otpd/keys: No such file or directory; "
                        "make its directory with: mkdir -p /nonexistent/otpd");
    assert_int_equal(keyring_create_file("/dev/null/keys", &entropy, &place->info), ERR_NOT_FOUND);
}

static void fill_with_sevens(void *ctx, void *out, size_t len)
{
    (void)ctx;
    memset(out, 7, len);
}

static void broken_entropy_makes_no_file(void **state)
{
    struct place *place = *state;
    struct entropy entropy = {.fill = fill_with_sevens};
    assert_int_equal(keyring_create_file(place->other, &entropy, &place->info), ERR_INVALID);
    assert_string_equal(place->info.text, "the keys that were drawn are not random: line 2: key "
                                          "\"index\" is a placeholder");
    assert_int_equal(access(place->other, F_OK), -1);
}

static void a_missing_file_says_how_to_make_one(void **state)
{
    struct place *place = *state;
    assert_int_equal(load(place, place->other), ERR_NOT_FOUND);
    assert_story(place, place->other,
                 "cannot open key file %: No such file or directory; make one with: otpd init "
                 "--key-file %");
    assert_int_equal(load(place, "/dev/null/keys"), ERR_NOT_FOUND);
}

static void any_right_of_others_is_refused(void **state)
{
    struct place *place = *state;
    const mode_t modes[] = {0640, 0620, 0610, 0604, 0602, 0601, 0444, 0644, 0666, 0777};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(place->file, modes[i]), 0);
        assert_int_equal(load(place, place->file), ERR_PERMISSION);
    }
    assert_story(place, place->file,
                 "key file % is open to others (mode 0777); mend with: chmod 600 %");
}

static void a_file_of_another_user_is_refused(void **state)
{
    struct place *place = *state;
    if (geteuid() != 0)
        skip(); // only root can give a file away
    assert_int_equal(chown(place->file, 12345, 0), 0);
    assert_int_equal(load(place, place->file), ERR_PERMISSION);
    assert_story(place, place->file,
                 "key file % belongs to another user (12345); mend with: chown 0 %");
}

static void a_file_that_cannot_be_opened_is_a_matter_of_rights(void **state)
{
    struct place *place = *state;
    const uid_t nobody = 65534;
    uid_t before = geteuid();
    assert_int_equal(chmod(place->file, 0), 0);
    if (before == 0)
        assert_int_equal(seteuid(nobody), 0);
    enum err err = load(place, place->file);
    assert_int_equal(seteuid(before), 0);
    assert_int_equal(err, ERR_PERMISSION);
    assert_story(place, place->file,
                 "cannot open key file %: Permission denied; see whose it is with: ls -l %");
}

static void only_a_regular_file_is_read(void **state)
{
    struct place *place = *state;
    assert_int_equal(symlink("keys", place->other), 0);
    assert_int_equal(load(place, place->other), ERR_INVALID);
    assert_story(place, place->other,
                 "cannot open key file %: Too many levels of symbolic links; it is a symbolic "
                 "link; find the file to name with: readlink -f %");
    assert_int_equal(unlink(place->other), 0);
    assert_int_equal(mkfifo(place->other, 0600), 0);
    assert_int_equal(load(place, place->other), ERR_INVALID);
    assert_int_equal(load(place, place->directory), ERR_INVALID);
    assert_story(place, place->directory,
                 "key file % is not a regular file; see what it is with: ls -ld %");
}

static void append(const char *path, const char *text)
{
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void a_damaged_file_is_refused(void **state)
{
    struct place *place = *state;
    append(place->file, "seal again\n");
    assert_int_equal(load(place, place->file), ERR_INVALID);
    assert_story(place, place->file,
                 "key file %: line 6: a second key \"seal\"; put your copy in its place with: "
                 "install -m 600 COPY %");
    for (int i = 0; i < 100; i++)
        append(place->file, "0123456789");
    assert_int_equal(load(place, place->file), ERR_INVALID);
    assert_story(place, place->file,
                 "key file %: larger than any key file; put your copy in its place with: "
                 "install -m 600 COPY %");
}

static void a_cut_file_is_refused(void **state)
{
    struct place *place = *state;
    struct stat stat_of;
    assert_int_equal(stat(place->file, &stat_of), 0);
    for (off_t len = stat_of.st_size - 1; len >= 0; len--) {
        assert_int_equal(truncate(place->file, len), 0);
        assert_int_equal(load(place, place->file), ERR_INVALID);
    }
}

static void an_epoch_must_cover_half_a_life(void **state)
{
    struct place *place = *state;
    struct keyring *keyring = NULL;
    assert_int_equal(keyring_load(place->file, DAY_MS - 1, &keyring, &place->info), ERR_INVALID);
    assert_null(keyring);
    assert_string_equal(place->info.text, "an epoch of 86399999 ms is shorter than half the "
                                          "longest life, 86400000 ms");
}

static struct keyring *repeatable_keyring(int64_t epoch_ms)
{
    struct seeded seeded;
    seeded_init(&seeded, 1);
    struct entropy entropy = seeded_entropy(&seeded);
    return keyring_create(&entropy, epoch_ms);
}

static void epochs_follow_the_clock(void **state)
{
    (void)state;
    struct keyring *keyring = repeatable_keyring(1000);
    const struct epoch_set *first = keyring_epochs(keyring, 2000);
    assert_int_equal(first->current, 2);
    assert_ptr_equal(keyring_epochs(keyring, 2999), first);
    const struct epoch_set *second = keyring_epochs(keyring, 3000);
    assert_int_equal(second->current, 3);
    assert_int_equal(first->current, 2); // still there
    assert_ptr_equal(keyring_epochs(keyring, 2999), second);
    assert_ptr_equal(keyring_epochs(keyring, 0), second);
    assert_int_equal(keyring_epochs(keyring, 4000)->current, 4);
    assert_int_equal(keyring_epochs(keyring, 9999)->current, 9); // a quiet week
    assert_int_equal(keyring_epochs(keyring, 4000)->current, 9);
    keyring_destroy(&keyring);
    keyring_destroy(&keyring);
}

static bool epoch_code(struct keyring *keyring, int64_t now_ms, uint32_t number, struct code *out)
{
    const struct epoch *epoch = epoch_find(keyring_epochs(keyring, now_ms), number);
    if (epoch == NULL)
        return false;
    struct code_source source = {.salt = 7};
    code_derive(&epoch->code, &source, 8, out);
    return true;
}

static void codes_outlive_their_epoch(void **state)
{
    (void)state;
    struct keyring *keyring = repeatable_keyring(1000);
    struct code issued, later;
    assert_true(epoch_code(keyring, 5999, 5, &issued));
    for (int64_t now_ms = 6000; now_ms < 8000; now_ms += 1000) {
        assert_true(epoch_code(keyring, now_ms, 5, &later));
        assert_memory_equal(&issued, &later, sizeof issued);
        struct code other;
        assert_true(epoch_code(keyring, now_ms, 6, &other));
        assert_memory_not_equal(&issued, &other, sizeof issued);
    }
    assert_false(epoch_code(keyring, 8000, 5, &later));
    keyring_destroy(&keyring);
}

#define THREADS 4
#define EPOCHS 300U

struct racers {
    struct keyring *keyring;
    pthread_barrier_t barrier;
    struct epoch_set expected[EPOCHS];
};

// Each epoch all threads meet its beginning at once, some with a clock that is behind by one; what
// they got in the epoch before is looked at once more.
static void *race(void *ctx)
{
    struct racers *racers = ctx;
    const struct epoch_set *previous = keyring_epochs(racers->keyring, 2);
    for (uint32_t number = 3; number < EPOCHS; number++) {
        (void)pthread_barrier_wait(&racers->barrier);
        (void)keyring_epochs(racers->keyring, number - 1);
        const struct epoch_set *set = keyring_epochs(racers->keyring, number);
        ASSERT(memcmp(set, &racers->expected[number], sizeof *set) == 0);
        ASSERT(memcmp(previous, &racers->expected[number - 1], sizeof *set) == 0);
        ASSERT(keyring_epochs(racers->keyring, number - 1) == set);
        previous = set;
    }
    return NULL;
}

static void epochs_begin_once_for_all_threads(void **state)
{
    (void)state;
    struct racers *racers = test_calloc(1, sizeof *racers);
    racers->keyring = repeatable_keyring(1);
    for (uint32_t number = 2; number < EPOCHS; number++) {
        struct keyring *alone = repeatable_keyring(1);
        racers->expected[number] = *keyring_epochs(alone, number);
        keyring_destroy(&alone);
    }
    pthread_t threads[THREADS];
    assert_int_equal(pthread_barrier_init(&racers->barrier, NULL, THREADS), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, racers), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(keyring_epochs(racers->keyring, 0)->current, EPOCHS - 1);
    assert_int_equal(pthread_barrier_destroy(&racers->barrier), 0);
    keyring_destroy(&racers->keyring);
    test_free(racers);
}

// A server starts while its wall clock is years ahead of T, which goes on: what was issued before
// opens, and what is issued is of T's epoch.
static void a_new_keyring_knows_no_time_but_the_callers(void **state)
{
    (void)state;
    struct keyring *before = repeatable_keyring(1000);
    struct keyring *after = repeatable_keyring(1000);
    struct code issued, later;
    assert_true(epoch_code(before, 5000, 5, &issued));
    assert_true(epoch_code(after, 5100, 5, &later));
    assert_memory_equal(&issued, &later, sizeof issued);
    assert_int_equal(keyring_epochs(after, 5100)->current, 5);
    keyring_destroy(&before);
    keyring_destroy(&after);
}

static void time_begins_at_the_second_epoch(void **state)
{
    (void)state;
    struct keyring *keyring = repeatable_keyring(1000);
    assert_int_equal(keyring_epochs(keyring, 0)->current, 2);
    assert_int_equal(keyring_epochs(keyring, 1999)->current, 2);
    assert_int_equal(keyring_epochs(keyring, 3000)->current, 3);
    keyring_destroy(&keyring);
}

// BLAKE2b-128 of nothing, keyed with the index key, under the domain of fingerprints alone: that of
// the same file stays, and it is no key or tag of another use.
static void a_fingerprint_is_the_files(void **state)
{
    struct place *place = *state;
    struct keyring *first = NULL, *again = NULL, *other = NULL;
    struct digest128 prints[3];
    struct entropy entropy = entropy_system();
    assert_int_equal(keyring_create_file(place->other, &entropy, &place->info), ERR_OK);
    assert_int_equal(keyring_load(place->file, DAY_MS, &first, &place->info), ERR_OK);
    assert_int_equal(keyring_load(place->file, DAY_MS, &again, &place->info), ERR_OK);
    assert_int_equal(keyring_load(place->other, DAY_MS, &other, &place->info), ERR_OK);
    keyring_fingerprint(first, &prints[0]);
    keyring_fingerprint(again, &prints[1]);
    keyring_fingerprint(other, &prints[2]);
    assert_memory_equal(&prints[0], &prints[1], sizeof prints[0]);
    assert_memory_not_equal(&prints[0], &prints[2], sizeof prints[0]);
    assert_memory_not_equal(&prints[0], keyring_index(first), sizeof prints[0]);
    keyring_destroy(&first);
    keyring_destroy(&again);
    keyring_destroy(&other);
}

#define AT_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_PLACE(a_new_file_is_private_and_loads),
        AT_PLACE(a_tight_umask_does_no_harm),
        AT_PLACE(a_file_gives_the_same_keys_again),
        AT_PLACE(a_file_is_never_overwritten),
        AT_PLACE(a_kill_leaves_no_half_of_a_file),
        AT_PLACE(a_directory_must_be_there_for_a_new_file),
        AT_PLACE(broken_entropy_makes_no_file),
        AT_PLACE(a_missing_file_says_how_to_make_one),
        AT_PLACE(any_right_of_others_is_refused),
        AT_PLACE(a_file_of_another_user_is_refused),
        AT_PLACE(a_file_that_cannot_be_opened_is_a_matter_of_rights),
        AT_PLACE(only_a_regular_file_is_read),
        AT_PLACE(a_damaged_file_is_refused),
        AT_PLACE(a_cut_file_is_refused),
        AT_PLACE(an_epoch_must_cover_half_a_life),
        AT_PLACE(a_fingerprint_is_the_files),
        cmocka_unit_test(epochs_follow_the_clock),
        cmocka_unit_test(codes_outlive_their_epoch),
        cmocka_unit_test(epochs_begin_once_for_all_threads),
        cmocka_unit_test(a_new_keyring_knows_no_time_but_the_callers),
        cmocka_unit_test(time_begins_at_the_second_epoch),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests_name("keyring", tests, NULL, NULL);
}
