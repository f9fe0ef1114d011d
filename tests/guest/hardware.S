/* SPDX-License-Identifier: MIT */
/* flat: 64 0 0x400 */
/*
 * hardware.S - what only hardware KVM does for a guest in long mode: int n,
 * I/O ports at ring 3 by IOPL alone, SYSCALL to ring 0 and SYSRET.
 *
 * simple-kvm, -l. stdout:
 *
 *	int from ring 0
 *	out at ring 3
 *	int from ring 3
 *	syscall to ring 0
 *	sysret to ring 3
 */
#define CONSOLE_PORT 0xe9
#define RESULT	     42
#define RESULT_GPA   0x400

/* RAM beyond the image and the monitor's page tables. */
#define IDT_GPA	   0x10000
#define TSS_GPA	   0x11000
#define STACK0_END 0x20000
#define STACK3_END 0x30000

#define RING0_CODE 0x08
#define RING3_BASE 0x10 /* SYSRET: data 8 above it, 64-bit code 16 */
#define RING3_DATA 0x1b
#define RING3_CODE 0x23
#define TSS	   0x28

#define VECTOR	    0x40
#define TSS_LIMIT   103 /* no I/O bitmap: ports are a matter of IOPL */
#define RFLAGS_IOPL 0x3000

#define MSR_EFER  0xc0000080
#define MSR_STAR  0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_FMASK 0xc0000084
#define EFER_SCE  1

	.macro	say text
	lea	\text(%rip), %rsi
	call	put
	.endm

	.macro	set_msr msr, high, low
	mov	$\msr, %ecx
	mov	$\high, %edx
	mov	$\low, %eax
	wrmsr
	.endm

	.code64
	.section .text.start, "ax"
	.globl	start
start:
	mov	$STACK0_END, %esp
	lgdt	gdt_pointer
	movl	$handler, IDT_GPA + 16 * VECTOR
	movw	$RING0_CODE, IDT_GPA + 16 * VECTOR + 2
	/* An interrupt gate that ring 3 may use. */
	movl	$0xee00, IDT_GPA + 16 * VECTOR + 4
	lidt	idt_pointer
	movl	$STACK0_END, TSS_GPA + 4
	mov	$TSS, %eax
	ltr	%ax
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_SCE, %eax
	wrmsr
	set_msr	MSR_STAR, (RING3_BASE << 16 | RING0_CODE), 0
	set_msr	MSR_LSTAR, 0, system_call
	set_msr	MSR_FMASK, 0, 0
	int	$VECTOR
	pushq	$RING3_DATA
	pushq	$STACK3_END
	pushq	$(RFLAGS_IOPL | 2)
	pushq	$RING3_CODE
	pushq	$user
	iretq

	.text
user:
	say	out_text
	call	put_ring
	int	$VECTOR
	syscall
	say	sysret_text
	call	put_ring
	syscall

handler:
	say	int_text
	mov	8(%rsp), %eax /* CS */
	call	put_number
	iretq

/* The first time back to the caller, the second time to the end. */
system_call:
	cmpb	$0, called(%rip)
	jne	1f
	movb	$1, called(%rip)
	mov	%rcx, %rbx
	say	syscall_text
	call	put_ring
	mov	%rbx, %rcx
	sysretq
1:	mov	$RESULT, %rax
	mov	%rax, RESULT_GPA
	hlt

put_ring:
	mov	%cs, %eax
put_number:
	and	$3, %eax
	add	$'0', %eax
	out	%al, $CONSOLE_PORT
	mov	$'\n', %al
	out	%al, $CONSOLE_PORT
	ret

put:
	lodsb
	test	%al, %al
	je	1f
	out	%al, $CONSOLE_PORT
	jmp	put
1:	ret

int_text:     .asciz "int from ring "
out_text:     .asciz "out at ring "
syscall_text: .asciz "syscall to ring "
sysret_text:  .asciz "sysret to ring "
called:	      .byte 0

	.balign	8
gdt:
	.quad	0
	.quad	0x00af9a000000ffff /* RING0_CODE */
	.quad	0x00cf92000000ffff /* 0x10: the stack's, before and by SYSCALL */
	.quad	0x00cff2000000ffff /* RING3_DATA */
	.quad	0x00affa000000ffff /* RING3_CODE */
	/* TSS: Intel SDM vol. 3, figure 8-4 */
	.quad	0x0000890000000000 | TSS_GPA << 16 | TSS_LIMIT
	.quad	0
gdt_end:

gdt_pointer:
	.word	gdt_end - gdt - 1
	.quad	gdt
idt_pointer:
	.word	16 * (VECTOR + 1) - 1
	.quad	IDT_GPA
