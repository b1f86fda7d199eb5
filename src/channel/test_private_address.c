// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "channel/private_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static bool is_private(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return address_is_private((const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return address_is_private((const struct sockaddr *)&v6);
}

static void addresses_of_one_s_own_are_private(void **state)
{
    static const char *const rows[] = {
        "0.0.0.0",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "127.0.0.1",
        "127.1.2.3",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "192.0.2.1",
        "198.18.0.1",
        "203.0.113.9",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "2001:db8::1",
        "2001::1",
        "::127.0.0.1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!is_private(rows[i]))
            fail_msg("%s", rows[i]);
    }
}

static void addresses_of_the_internet_are_not(void **state)
{
    static const char *const rows[] = {
        "8.8.8.8",         "9.255.255.255",        "11.0.0.0",
        "100.63.255.255",  "100.128.0.0",          "126.0.0.1",
        "128.0.0.1",       "172.15.255.255",       "172.32.0.0",
        "192.167.1.1",     "198.17.0.1",           "198.20.0.1",
        "223.255.255.255", "2606:4700:4700::1111", "::ffff:8.8.8.8",
        "2002:808:808::",  "64:ff9b::808:808",     "2001:4860:4860::8888",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (is_private(rows[i]))
            fail_msg("%s", rows[i]);
    }
}

static void other_families_are_private(void **state)
{
    const struct sockaddr local = {.sa_family = AF_UNIX};
    (void)state;
    assert_true(address_is_private(&local));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_one_s_own_are_private),
        cmocka_unit_test(addresses_of_the_internet_are_not),
        cmocka_unit_test(other_families_are_private),
    };
    return cmocka_run_group_tests_name("channel/private_address", tests, NULL, NULL);
}
