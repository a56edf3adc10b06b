/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses of network cards; see virtio.h.
 */
#include <string.h>

#include "devices/virtio/virtio.h"
#include "vmm/sys.h"

#define LOCAL_ADDRESS 2		/* of the first byte: not from a factory */
#define GROUP_ADDRESS 1

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = strchr(digits, c | 0x20);

	return c && at ? at - digits : -1;
}

bool virtio_mac_parse(uint8_t *mac, const char *text)
{
	unsigned int i;
	int high, low;

	for (i = 0; i < VIRTIO_MAC; i++, text += 3) {
		high = digit(text[0]);
		low = high < 0 ? -1 : digit(text[1]);
		if (low < 0 || text[2] != (i < VIRTIO_MAC - 1 ? ':' : '\0'))
			return false;
		mac[i] = high << 4 | low;
	}
	return !(mac[0] & GROUP_ADDRESS);
}

int virtio_mac_random(uint8_t *mac)
{
	int err = sys_random(mac, VIRTIO_MAC);

	mac[0] = (mac[0] & ~GROUP_ADDRESS) | LOCAL_ADDRESS;
	return err;
}
