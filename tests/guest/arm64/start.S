/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How an arm64 test guest begins, and what can't be said in C: exception
 * vectors, the first steps of further processors. Linux:
 * Documentation/arch/arm64/booting.rst; the MMU is off and stays off. The image
 * may lie anywhere, so it relocates its own pointers.
 */
	.section .head, "ax"
	.globl head
head:	b	start
	.long	0
	.quad	0			/* text_offset */
	.quad	bss_end - head		/* image_size */
	.quad	0xa			/* 4 KiB pages, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

start:	msr	daifset, #15
	mov	x20, x0
	adr	x19, head
	adrp	x1, rela_begin
	add	x1, x1, :lo12:rela_begin
	adrp	x2, rela_end
	add	x2, x2, :lo12:rela_end
1:	cmp	x1, x2
	b.hs	2f
	ldp	x3, x4, [x1]		/* offset, type */
	ldr	x5, [x1, #16]
	add	x1, x1, #24
	cmp	x4, #1027		/* R_AARCH64_RELATIVE */
	b.ne	1b
	add	x5, x5, x19
	str	x5, [x19, x3]
	b	1b
2:	adrp	x1, bss_begin
	add	x1, x1, :lo12:bss_begin
	adrp	x2, bss_end
	add	x2, x2, :lo12:bss_end
3:	cmp	x1, x2
	b.hs	4f
	str	xzr, [x1], #8
	b	3b
4:	adrp	x1, stack_end
	add	x1, x1, :lo12:stack_end
	mov	sp, x1
	bl	vectors_on
	mov	x0, x20
	bl	guest_start
5:	wfi
	b	5b

vectors_on:
	adrp	x1, vectors
	add	x1, x1, :lo12:vectors
	msr	vbar_el1, x1
	isb
	ret

/* Another processor, woken by PSCI with its index, from 1 on, in x0. */
	.text
	.globl secondary
secondary:
	msr	daifset, #15
	mov	x19, x0
	adrp	x1, ap_stacks
	add	x1, x1, :lo12:ap_stacks
	add	x1, x1, x0, lsl #12	/* 4 KiB each */
	mov	sp, x1
	bl	vectors_on
	mov	x0, x19
	bl	ap_main
1:	wfi
	b	1b

/* Of the 16 vectors, those are used that are for EL1 with its own stack. */
	.macro	unused kind
	.align	7
	mov	x0, #\kind
	mrs	x1, esr_el1
	mrs	x2, elr_el1
	mrs	x3, far_el1
	b	exception
	.endm

	.align	11
vectors:
	unused	0
	unused	1
	unused	2
	unused	3
	unused	4
	.align	7
	sub	sp, sp, #176
	stp	x0, x1, [sp]
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x29, [sp, #144]
	str	x30, [sp, #160]
	b	interrupt_entry
	unused	6
	unused	7
	unused	8
	unused	9
	unused	10
	unused	11
	unused	12
	unused	13
	unused	14
	unused	15
	.align	7
interrupt_entry:
	bl	interrupt
	ldp	x0, x1, [sp]
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x29, [sp, #144]
	ldr	x30, [sp, #160]
	add	sp, sp, #176
	eret

	.bss
	.align	4
	.skip	16384
stack_end:
ap_stacks:
	.skip	64 * 4096
	.section .note.GNU-stack, "", @progbits
