"""The 64-bit hash behind uniqueString, and its base32 text.

A cut-down MurmurHash3 with two lanes of 32 bits. Public implementations agree on it, among them
`Kudu.Core/Helpers/HashHelper.cs` of Azure App Service and one in Go for Terraform; known outputs are in the tests.
"""

from __future__ import annotations

_MASK = 0xFFFFFFFF
_FIRST, _SECOND = 0x239B961B, 0xAB0E9789
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def _rotate(value: int, bits: int) -> int:
    return (value << bits | value >> (32 - bits)) & _MASK


def _scramble(block: bytes, before: int, bits: int, after: int) -> int:
    return _rotate(int.from_bytes(block, "little") * before & _MASK, bits) * after & _MASK


def _finish(lane: int) -> int:
    lane ^= lane >> 16
    lane = lane * 0x85EBCA6B & _MASK
    lane ^= lane >> 13
    lane = lane * 0xC2B2AE35 & _MASK
    return lane ^ lane >> 16


def murmur64(data: bytes) -> int:
    """The hash of the bytes, seed 0, as an unsigned integer."""
    low = high = 0
    whole = len(data) // 8 * 8
    for start in range(0, whole, 8):
        low ^= _scramble(data[start : start + 4], _FIRST, 15, _SECOND)
        low = ((_rotate(low, 19) + high) * 5 + 0x561CCD1B) & _MASK
        high ^= _scramble(data[start + 4 : start + 8], _SECOND, 17, _FIRST)
        high = ((_rotate(high, 13) + low) * 5 + 0x0BCAA747) & _MASK
    low ^= _scramble(data[whole : whole + 4], _FIRST, 15, _SECOND)
    high ^= _scramble(data[whole + 4 :], _SECOND, 17, _FIRST)
    low = (low ^ len(data)) + (high ^ len(data)) & _MASK
    high = (high ^ len(data)) + low & _MASK
    low, high = _finish(low), _finish(high)
    low = low + high & _MASK
    return (high + low & _MASK) << 32 | low


def base32(value: int) -> str:
    """Thirteen characters, the topmost five bits first; the last stands for four bits."""
    return "".join(_ALPHABET[(value << 5 * place >> 59) & 31] for place in range(13))
