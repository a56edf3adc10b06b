/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a test guest begins, whichever way it was booted, and what can't be
 * said in C: descriptor and page tables, interrupt stubs, the first steps of
 * further processors.
 *
 * PVH (Xen: docs/misc/pvh.pandoc): 32-bit protected mode, no paging, EBX is
 * the start info. bzImage (Linux: Documentation/arch/x86/boot.rst, 64-bit
 * boot protocol): long mode, RSI is the zero page; the image may lie anywhere
 * and moves itself to where it was linked.
 */
	.section .head, "ax"
	.globl head
	.code32
head:
	/* A bzImage's 32-bit entry. The 64-bit one is 0x200 on. */
	ud2

	.org 0x200
	.code64
bz_entry:
	cli
	lea	head(%rip), %rax
	mov	$head, %rdi
	cmp	%rdi, %rax
	je	1f
	mov	%rsi, %rbx
	mov	%rax, %rsi
	mov	$image_end, %rcx
	sub	%rdi, %rcx
	cld
	rep movsb
	mov	%rbx, %rsi
	mov	$1f, %rax
	jmp	*%rax
1:	mov	%rsi, %rbx
	/* A bzImage brings no zeroes. */
	mov	$image_end, %rdi
	mov	$bss_end, %rcx
	sub	%rdi, %rcx
	xor	%eax, %eax
	rep stosb
	mov	$stack_end, %rsp
	lgdt	gdt_ptr
	mov	$pml4, %rax
	mov	%rax, %cr3
	push	$CODE64
	push	$1f
	lretq
1:	mov	%rbx, %rdi
	mov	$1, %esi
	jmp	start64

	.text
	.set CODE64, 0x08
	.set DATA, 0x10
	.set CODE32, 0x18

	.code32
	.globl pvh_entry
pvh_entry:
	cli
	lgdt	gdt_ptr
	mov	$pml4, %eax
	mov	%eax, %cr3
	mov	$(1 << 5), %eax			/* PAE */
	mov	%eax, %cr4
	mov	$0xc0000080, %ecx		/* EFER.LME */
	rdmsr
	or	$(1 << 8), %eax
	wrmsr
	mov	%cr0, %eax
	or	$(1 << 31), %eax		/* PG */
	mov	%eax, %cr0
	ljmp	$CODE64, $1f
	.code64
1:	mov	%ebx, %edi
	xor	%esi, %esi
start64:
	mov	$DATA, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$stack_end, %rsp
	call	guest_start
1:	hlt
	jmp	1b

	/* The PVH note: type 18, XEN_ELFNOTE_PHYS32_ENTRY. */
	.section .note.pvh, "a", @note
	.align 4
	.long	4, 4, 18
	.asciz	"Xen"
	.long	pvh_entry

/*
 * Interrupts: each of 64 stubs pushes its vector, and an error code where the
 * processor did not.
 */
	.text
	.globl stubs
	.align 16
stubs:
	.set vector, 0
	.rept 64
	.align 16
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17)
	push	$0
	.endif
	push	$vector
	jmp	common
	.set vector, vector + 1
	.endr
common:
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	mov	9*8(%rsp), %rdi			/* vector */
	mov	10*8(%rsp), %rsi		/* error code */
	mov	11*8(%rsp), %rdx		/* RIP */
	call	interrupt
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$16, %rsp
	iretq

/*
 * Another processor, woken by SIPI, begins in real mode on a page of its own
 * below 1 MiB, to which this is copied; CS is that page.
 */
	.globl ap_begin, ap_end
	.code16
ap_begin:
	cli
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	ap_gdt_ptr - ap_begin
	mov	$1, %eax			/* PE */
	mov	%eax, %cr0
	ljmpl	$CODE32, $ap32
	.align 4
ap_gdt_ptr:
	.word	gdt_end - gdt - 1
	.long	gdt
ap_end:
	.code32
ap32:
	mov	$DATA, %ax
	mov	%ax, %ds
	mov	$pml4, %eax
	mov	%eax, %cr3
	mov	$(1 << 5), %eax
	mov	%eax, %cr4
	mov	$0xc0000080, %ecx
	rdmsr
	or	$(1 << 8), %eax
	wrmsr
	mov	%cr0, %eax
	or	$(1 << 31), %eax
	mov	%eax, %cr0
	ljmp	$CODE64, $1f
	.code64
1:	mov	$DATA, %ax
	mov	%ax, %ss
	mov	%ax, %es
	mov	$1, %eax
	lock xadd %eax, ap_index
	mov	%eax, %edi
	inc	%eax
	shl	$10, %eax			/* a KiB of stack each */
	lea	ap_stacks(%rax), %rsp
	call	ap_main
1:	hlt
	jmp	1b

	.data
	.globl ap_index
	.align 8
ap_index: .long	0
gdt_ptr: .word	gdt_end - gdt - 1
	.quad	gdt
	.align 8
gdt:	.quad	0
	.quad	0x00af9b000000ffff		/* CODE64 */
	.quad	0x00cf93000000ffff		/* DATA */
	.quad	0x00cf9b000000ffff		/* CODE32 */
gdt_end:

/* The first 8 GiB, each address to itself, in pages of 2 MiB. */
	.align 4096
pml4:	.quad	pdpt + 3
	.fill	511, 8, 0
pdpt:
	.set n, 0
	.rept 8
	.quad	pds + n * 4096 + 3
	.set n, n + 1
	.endr
	.fill	504, 8, 0
pds:
	.set n, 0
	.rept 8 * 512
	.quad	n * 0x200000 + 0x83
	.set n, n + 1
	.endr

	.bss
	.align 16
	.skip	16384
stack_end:
ap_stacks:
	.skip	64 * 1024
	.section .note.GNU-stack, "", @progbits
