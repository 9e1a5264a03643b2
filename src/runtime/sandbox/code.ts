import type { Arch } from "./arch.ts";

/**
 * The program that makes the calls of a table (`image.ts` lays it out) one after another, in machine code: bytes, and behind each `;` what they
 * are. An answer that is an error, or not the one that is wanted, ends it with code 71 once the entry's message and the number are on stderr.
 */
export function codeFor(arch: Arch): Uint8Array {
  const lines = (arch === "x64" ? X64 : ARM64).split("\n");
  return Buffer.from(lines.map((line) => line.replace(/;.*| /g, "")).join(""), "hex");
}

const X64 = `
; start
bb 00 00 60 00 ; mov ebx,0x600000
; next
8b 03          ; mov eax,dword [rbx]
48 8b 7b 08    ; mov rdi,qword [rbx+0x8]
48 8b 73 10    ; mov rsi,qword [rbx+0x10]
48 8b 53 18    ; mov rdx,qword [rbx+0x18]
4c 8b 53 20    ; mov r10,qword [rbx+0x20]
4c 8b 43 28    ; mov r8,qword [rbx+0x28]
4c 8b 4b 30    ; mov r9,qword [rbx+0x30]
0f 05          ; syscall
48 85 c0       ; test rax,rax
78 26          ; js error
48 8b 4b 38    ; mov rcx,qword [rbx+0x38]
48 83 f9 ff    ; cmp rcx,-1
74 05          ; je keep
48 39 c8       ; cmp rax,rcx
75 33          ; jne fail
; keep
48 8b 4b 50    ; mov rcx,qword [rbx+0x50]
48 85 c9       ; test rcx,rcx
74 24          ; je onward
; each
8b 11          ; mov edx,dword [rcx]
85 d2          ; test edx,edx
74 1e          ; je onward
89 02          ; mov dword [rdx],eax
48 83 c1 04    ; add rcx,0x4
eb f2          ; jmp each
; error
48 f7 d8       ; neg rax
48 8b 4b 40    ; mov rcx,qword [rbx+0x40]
48 83 f9 ff    ; cmp rcx,-1
74 05          ; je skip
48 39 c8       ; cmp rax,rcx
75 0a          ; jne fail
; skip
48 03 5b 48    ; add rbx,qword [rbx+0x48]
; onward
48 83 c3 68    ; add rbx,0x68
eb 9d          ; jmp next
; fail
49 89 c4       ; mov r12,rax
b8 01 00 00 00 ; mov eax,0x1
bf 02 00 00 00 ; mov edi,0x2
48 8b 73 58    ; mov rsi,qword [rbx+0x58]
48 8b 53 60    ; mov rdx,qword [rbx+0x60]
0f 05          ; syscall
4c 89 e0       ; mov rax,r12
b9 0a 00 00 00 ; mov ecx,0xa
48 8d 74 24 ff ; lea rsi,[rsp-0x1]
c6 06 0a       ; mov byte [rsi],0xa
; digit
31 d2          ; xor edx,edx
48 f7 f1       ; div rcx
80 c2 30       ; add dl,0x30
48 ff ce       ; dec rsi
88 16          ; mov byte [rsi],dl
48 85 c0       ; test rax,rax
75 ee          ; jne digit
48 89 e2       ; mov rdx,rsp
48 29 f2       ; sub rdx,rsi
b8 01 00 00 00 ; mov eax,0x1
bf 02 00 00 00 ; mov edi,0x2
0f 05          ; syscall
; end
b8 e7 00 00 00 ; mov eax,0xe7
bf 47 00 00 00 ; mov edi,0x47
0f 05          ; syscall
eb f2          ; jmp end
`;

const ARM64 = `
; start
13 0c a0 d2 ; mov x19, #0x600000
; next
68 02 40 f9 ; ldr x8, [x19]
60 86 40 a9 ; ldp x0, x1, [x19, #8]
62 8e 41 a9 ; ldp x2, x3, [x19, #24]
64 96 42 a9 ; ldp x4, x5, [x19, #40]
01 00 00 d4 ; svc #0x0
80 01 f8 b7 ; tbnz x0, #63, error
69 1e 40 f9 ; ldr x9, [x19, #56]
3f 05 00 b1 ; cmn x9, #0x1
60 00 00 54 ; b.eq keep
1f 00 09 eb ; cmp x0, x9
21 02 00 54 ; b.ne fail
; keep
69 2a 40 f9 ; ldr x9, [x19, #80]
a9 01 00 b4 ; cbz x9, onward
; each
2a 45 40 b8 ; ldr w10, [x9], #4
6a 01 00 34 ; cbz w10, onward
40 01 00 b9 ; str w0, [x10]
fd ff ff 17 ; b each
; error
e0 03 00 cb ; neg x0, x0
69 22 40 f9 ; ldr x9, [x19, #64]
3f 05 00 b1 ; cmn x9, #0x1
60 00 00 54 ; b.eq skip
1f 00 09 eb ; cmp x0, x9
a1 00 00 54 ; b.ne fail
; skip
69 26 40 f9 ; ldr x9, [x19, #72]
73 02 09 8b ; add x19, x19, x9
; onward
73 a2 01 91 ; add x19, x19, #0x68
e6 ff ff 17 ; b next
; fail
f4 03 00 aa ; mov x20, x0
08 08 80 d2 ; mov x8, #0x40
40 00 80 d2 ; mov x0, #0x2
61 8a 45 a9 ; ldp x1, x2, [x19, #88]
01 00 00 d4 ; svc #0x0
49 01 80 d2 ; mov x9, #0xa
e1 07 00 d1 ; sub x1, sp, #0x1
29 00 00 39 ; strb w9, [x1]
; digit
8a 0a c9 9a ; udiv x10, x20, x9
4b d1 09 9b ; msub x11, x10, x9, x20
6b c1 00 91 ; add x11, x11, #0x30
2b fc 1f 38 ; strb w11, [x1, #-1]!
f4 03 0a aa ; mov x20, x10
74 ff ff b5 ; cbnz x20, digit
e2 03 00 91 ; mov x2, sp
42 00 01 cb ; sub x2, x2, x1
08 08 80 d2 ; mov x8, #0x40
40 00 80 d2 ; mov x0, #0x2
01 00 00 d4 ; svc #0x0
; end
c8 0b 80 d2 ; mov x8, #0x5e
e0 08 80 d2 ; mov x0, #0x47
01 00 00 d4 ; svc #0x0
fd ff ff 17 ; b end
`;
