// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/private_address.h"

#include "base/span.h"

#include <arpa/inet.h>
#include <netinet/in.h>

struct range4 {
    uint32_t first; // host order
    uint8_t bits;
};

#define IPV4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

static const struct range4 ranges4[] = {
    {IPV4(0, 0, 0, 0), 8},     {IPV4(10, 0, 0, 0), 8},      {IPV4(100, 64, 0, 0), 10},
    {IPV4(127, 0, 0, 0), 8},   {IPV4(169, 254, 0, 0), 16},  {IPV4(172, 16, 0, 0), 12},
    {IPV4(192, 0, 0, 0), 24},  {IPV4(192, 0, 2, 0), 24},    {IPV4(192, 168, 0, 0), 16},
    {IPV4(198, 18, 0, 0), 15}, {IPV4(198, 51, 100, 0), 24}, {IPV4(203, 0, 113, 0), 24},
    {IPV4(224, 0, 0, 0), 3},
};

static bool is_private4(uint32_t address)
{
    for (size_t i = 0; i < sizeof ranges4 / sizeof ranges4[0]; i++) {
        uint32_t mask = UINT32_MAX << (32 - ranges4[i].bits);
        if ((address & mask) == ranges4[i].first)
            return true;
    }
    return false;
}

static uint32_t word_at(const uint8_t *bytes)
{
    return IPV4(bytes[0], bytes[1], bytes[2], bytes[3]);
}

struct carrier {
    struct span prefix;
    size_t at; // of the IPv4 address
};

// Mapped, translated (RFC 6052) and 6to4.
static const struct carrier carriers[] = {
    {SPAN("\0\0\0\0\0\0\0\0\0\0\xFF\xFF"), 12},
    {SPAN("\0\x64\xFF\x9B\0\0\0\0\0\0\0\0"), 12},
    {SPAN("\x20\x02"), 2},
};

// What is not 2000::/3 is no global unicast; of that, Teredo and documentation are not either.
static bool is_private6(const uint8_t bytes[16])
{
    struct span address = span_make(bytes, 16);
    for (size_t i = 0; i < sizeof carriers / sizeof carriers[0]; i++) {
        if (span_starts_with(address, carriers[i].prefix))
            return is_private4(word_at(bytes + carriers[i].at));
    }
    return (bytes[0] & 0xE0U) != 0x20U || span_starts_with(address, SPAN("\x20\x01\x0D\xB8")) ||
           span_starts_with(address, SPAN("\x20\x01\0\0"));
}

bool address_is_private(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return is_private4(
            ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr));
    if (address->sa_family == AF_INET6)
        return is_private6(((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr);
    return true;
}
