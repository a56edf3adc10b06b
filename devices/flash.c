/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of flash; see flash.h. What the next write to it is taken for
 * is a function, that of a command's first write or of one that follows.
 *
 * The guest's memory changes only while the guest has it not, so that KVM
 * brings it up to date, for a guest without caches as well, when it is back.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "devices/flash.h"
#include "devices/flash_priv.h"
#include "vmm/log.h"
#include "vmm/vm.h"

enum command {
	LOCK = 0x01, PROGRAM_ALT = 0x10, ERASE = 0x20, LOCK_DOWN = 0x2f,
	PROGRAM = 0x40, CLEAR_STATUS = 0x50, LOCK_SETUP = 0x60,
	READ_STATUS = 0x70, READ_ID = 0x90, READ_QUERY = 0x98, CONFIRM = 0xd0,
	WRITE_BUFFER = 0xe8, READ_ARRAY = 0xff,
};

enum {			/* what the status says */
	LOCKED = 0x02, PROGRAM_FAILED = 0x10, ERASE_FAILED = 0x20, READY = 0x80,
	WRONG_SEQUENCE = PROGRAM_FAILED | ERASE_FAILED,
};

enum mode { ARRAY, STATUS, ID, QUERY };	/* what is read */

#define CHIPS		2
#define CHIP_BITS	16
#define MANUFACTURER	0x89	/* Intel */
#define DEVICE		0x18
#define NOWHERE		UINT64_MAX

/* One write: @value has @len bytes, at most FLASH_WIDTH. */
struct cycle {
	uint64_t offset;
	uint32_t value;
	unsigned int len;
};

struct flash {
	struct device dev;
	struct vm *vm;
	struct flash_config config;
	struct flash_store store;
	struct mem_region region;
	bool is_memory;		/* the guest has region */
	pthread_mutex_t lock;
	enum mode mode;
	uint8_t status;		/* but for READY */
	void (*next)(struct flash *f, const struct cycle *c);
	uint64_t block;		/* that the buffer is for, or NOWHERE */
	unsigned int left;	/* writes until it is full */
	bool outside;		/* one was not for this block */
	uint8_t buffer[FLASH_BUFFER];
};

/* ---- writing ------------------------------------------------------------ */

static void first(struct flash *f, const struct cycle *c);

static void done(struct flash *f, enum mode mode)
{
	f->next = first;
	f->mode = mode;
}

static void wrong_sequence(struct flash *f)
{
	f->status |= WRONG_SEQUENCE;
	done(f, STATUS);
}

static void ended(struct flash *f, int err, uint8_t failed)
{
	if (err < 0)
		f->status |= failed | (err == -EROFS ? LOCKED : 0);
	done(f, STATUS);
}

static void program(struct flash *f, const struct cycle *c)
{
	ended(f, flash_store_program(&f->store, c->offset, &c->value, c->len),
	      PROGRAM_FAILED);
}

static void erase(struct flash *f, const struct cycle *c)
{
	uint64_t sector = ALIGN_DOWN(c->offset, FLASH_SECTOR);

	switch ((uint8_t)c->value) {
	case CONFIRM:
		ended(f, flash_store_erase(&f->store, sector), ERASE_FAILED);
		break;
	case READ_ARRAY:
		done(f, ARRAY);
		break;
	default:
		wrong_sequence(f);
	}
}

static void lock(struct flash *f, const struct cycle *c)
{
	switch ((uint8_t)c->value) {
	case LOCK:
	case LOCK_DOWN:
	case CONFIRM:
		done(f, STATUS);
		break;
	case READ_ARRAY:
		done(f, ARRAY);
		break;
	default:
		wrong_sequence(f);
	}
}

static void buffer_confirm(struct flash *f, const struct cycle *c)
{
	if ((uint8_t)c->value != CONFIRM || f->outside)
		wrong_sequence(f);
	else
		ended(f, flash_store_program(&f->store, f->block, f->buffer,
					     FLASH_BUFFER), PROGRAM_FAILED);
}

static void buffer_data(struct flash *f, const struct cycle *c)
{
	if (f->block == NOWHERE)
		f->block = ALIGN_DOWN(c->offset, FLASH_BUFFER);
	if (range_contains(f->block, FLASH_BUFFER, c->offset, c->len))
		memcpy(f->buffer + (c->offset - f->block), &c->value, c->len);
	else
		f->outside = true;
	if (!--f->left)
		f->next = buffer_confirm;
}

/* How many writes there will be, minus one. */
static void buffer_count(struct flash *f, const struct cycle *c)
{
	f->left = (c->value & 0xffff) + 1;
	f->block = NOWHERE;
	f->outside = false;
	memset(f->buffer, 0xff, sizeof(f->buffer));
	f->next = buffer_data;
	if (f->left > FLASH_BUFFER / FLASH_WIDTH)
		wrong_sequence(f);
}

static void first(struct flash *f, const struct cycle *c)
{
	f->mode = STATUS;
	switch ((uint8_t)c->value) {
	case PROGRAM:
	case PROGRAM_ALT:
		f->next = program;
		break;
	case ERASE:
		f->next = erase;
		break;
	case WRITE_BUFFER:
		f->next = buffer_count;
		break;
	case LOCK_SETUP:
		f->next = lock;
		break;
	case READ_STATUS:
		break;
	case READ_ID:
		f->mode = ID;
		break;
	case READ_QUERY:
		f->mode = QUERY;
		break;
	case CLEAR_STATUS:
		f->status = 0;
		f->mode = ARRAY;
		break;
	default:
		f->mode = ARRAY;
	}
}

/*
 * If KVM refuses, which it says itself, each read comes to us until the next
 * try.
 */
static void give_or_take(struct flash *f)
{
	bool is_array = f->mode == ARRAY;

	if (is_array && !f->is_memory)
		f->is_memory = mem_add(&f->vm->mem, &f->region) >= 0;
	else if (!is_array && f->is_memory)
		mem_del(&f->vm->mem, &f->region);
	f->is_memory &= is_array;
}

static void flash_write(void *owner, uint64_t offset, uint64_t value,
			unsigned int len)
{
	struct flash *f = owner;
	struct cycle c = { offset, value, MIN(len, FLASH_WIDTH) };

	pthread_mutex_lock(&f->lock);
	f->next(f, &c);
	if (len > FLASH_WIDTH) {
		c.offset += FLASH_WIDTH;
		c.value = value >> 8 * FLASH_WIDTH;
		f->next(f, &c);
	}
	give_or_take(f);
	pthread_mutex_unlock(&f->lock);
}

/* ---- reading ------------------------------------------------------------ */

/*
 * Of a chip, from index 0x10 on. Times are the binary logarithms of how many
 * microseconds it takes as a rule, or milliseconds to erase, and of how many
 * times that it takes at most.
 */
#define QUERY_FIRST	0x10

static const uint8_t query[] = {
	'Q', 'R', 'Y',
	0x01, 0x00, 0x31, 0x00,	/* command set, where its own table is */
	0x00, 0x00, 0x00, 0x00,	/* nor has it another */
	0x45, 0x55, 0x00, 0x00,	/* 4.5 to 5.5 volts, none to program with */
	0x07, 0x07, 0x0a, 0x00,	/* times: word, buffer, erasing, all of it */
	0x04, 0x04, 0x04, 0x00,
	0x00,			/* its size, as a binary logarithm, goes here */
	0x02, 0x00,		/* of 8 or 16 bits */
	0x0b, 0x00,		/* the buffer's size, as a binary logarithm */
	0x01,			/* one kind of sectors: */
	0x00, 0x00,		/* their number - 1 goes here, */
	FLASH_SECTOR / CHIPS >> 8 & 0xff, FLASH_SECTOR / CHIPS >> 16,
	'P', 'R', 'I', '1', '0', /* the command set's own table, 1.0 */
	0x00, 0x00, 0x00, 0x00,	/* it can do nothing that is optional, */
	0x00,			/* nor when suspended; */
	0x00, 0x00,		/* no sector has a status of its own */
	0x00, 0x00,		/* volts to be best at */
	0x01,			/* fields of protection registers */
};

_Static_assert(FLASH_BUFFER / CHIPS == 1 << 0x0b, "as the table says");

static uint8_t query_byte(const struct flash *f, uint64_t index)
{
	uint64_t last = f->config.size / FLASH_SECTOR - 1;

	switch (index) {
	case 0x27:
		return __builtin_ctzll(f->config.size / CHIPS);
	case 0x2d:
		return last;
	case 0x2e:
		return last >> 8;
	}
	index -= QUERY_FIRST;
	return index < sizeof(query) ? query[index] : 0;
}

/* The sector's lock, too, which is of each sector's third word. */
static uint8_t id_byte(const struct flash *f, uint64_t index)
{
	switch (index & 0xff) {
	case 0:
		return MANUFACTURER;
	case 1:
		return DEVICE;
	case 2:
		return f->store.readonly;
	}
	return 0;
}

/* What both chips say. */
static uint32_t answer(const struct flash *f, uint64_t offset)
{
	uint64_t index = offset / FLASH_WIDTH;
	uint8_t val = f->status | READY;

	if (f->mode == QUERY)
		val = query_byte(f, index);
	else if (f->mode == ID)
		val = id_byte(f, index);
	return val | (uint32_t)val << CHIP_BITS;
}

static uint8_t read_byte(const struct flash *f, uint64_t offset)
{
	if (f->mode == ARRAY)
		return f->store.hva[offset];
	return answer(f, offset) >> offset % FLASH_WIDTH * 8;
}

static uint64_t flash_read(void *owner, uint64_t offset, unsigned int len)
{
	struct flash *f = owner;
	uint64_t val = 0;
	unsigned int i;

	pthread_mutex_lock(&f->lock);
	for (i = 0; i < len; i++)
		val |= (uint64_t)read_byte(f, offset + i) << 8 * i;
	pthread_mutex_unlock(&f->lock);
	return val;
}

static const struct bus_ops flash_bus_ops = {
	.read = flash_read,
	.write = flash_write,
};

/* ---- life --------------------------------------------------------------- */

static void flash_reset(struct device *dev)
{
	struct flash *f = container_of(dev, struct flash, dev);

	pthread_mutex_lock(&f->lock);
	f->status = 0;
	done(f, ARRAY);
	give_or_take(f);
	pthread_mutex_unlock(&f->lock);
}

static void flash_describe(const struct device *dev, struct desc *desc)
{
	const struct flash *f = container_of(dev, struct flash, dev);

	desc->name = "flash";
	desc->index = f->config.index;
	desc->compatible = "cfi-flash";
	desc->bank_width = FLASH_WIDTH;
	desc->ranges[desc->nr_ranges++] = (struct desc_range){
		DESC_MMIO, f->config.base, f->config.size, false,
	};
}

static void flash_destroy(struct device *dev);

static const struct device_ops flash_ops = {
	.reset = flash_reset,
	.destroy = flash_destroy,
	.describe = flash_describe,
};

static int publish(struct flash *f)
{
	const struct flash_config *cfg = &f->config;
	int err;

	f->region = (struct mem_region){
		.name = "flash",
		.gpa = cfg->base,
		.size = cfg->size,
		.hva = f->store.hva,
		.fd = -1,
		.flags = MEM_DEVICE | MEM_READONLY | MEM_NO_DMA,
	};
	err = mem_add(&f->vm->mem, &f->region);
	if (err < 0)
		return err;	/* KVM's, which has said so */
	f->is_memory = true;
	err = bus_add(&f->vm->mmio, "flash", cfg->base, cfg->size,
		      &flash_bus_ops, f);
	if (err < 0) {
		log_err("flash: cannot be set up: %s", err_text(err));
		mem_del(&f->vm->mem, &f->region);
	}
	return err;
}

int flash_create(struct vm *vm, const struct flash_config *config)
{
	struct flash *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->vm = vm;
	f->config = *config;
	done(f, ARRAY);
	pthread_mutex_init(&f->lock, NULL);
	err = flash_store_open(&f->store, config->spec, config->size);
	if (err < 0)
		goto free_flash;
	err = publish(f);
	if (err < 0)
		goto close_store;
	device_add(vm, &f->dev, "flash", &flash_ops);
	return 0;

close_store:
	flash_store_close(&f->store);
free_flash:
	pthread_mutex_destroy(&f->lock);
	free(f);
	return err;
}

static void flash_destroy(struct device *dev)
{
	struct flash *f = container_of(dev, struct flash, dev);

	if (f->is_memory)
		mem_del(&f->vm->mem, &f->region);
	flash_store_close(&f->store);
	pthread_mutex_destroy(&f->lock);
	free(f);
}
