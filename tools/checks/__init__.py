# SPDX-FileCopyrightText: 2026 The otpd authors
# SPDX-License-Identifier: Apache-2.0
