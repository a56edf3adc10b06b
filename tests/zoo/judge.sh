# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# What the runs have come to: each device's facts, from the guest and the host, held against the list and against what
# is to be seen outside; then the table. A line of $work/results is NAME|BACKEND|INTERRUPTS|RESET|RESULT, where the
# result is ok, or the first thing that was not as it should be.

# fact NAME BACKEND KEY: its last value.
fact() {
	sed -n "s/^$1 $2 $3 //p" "$dir/out" | tail -n 1
}

# failure NAME BACKEND: the first, which the helper knows better than who called it.
failure() {
	sed -n "s/^$1 $2 failed //p" "$dir/out" | head -n 1
}

# expect WHAT WANTED GOT: notes the first difference in $verdict.
expect() {
	[ "$verdict" != ok ] || [ "$2" = "$3" ] || verdict="$1: wanted $2, got ${3:-nothing}"
}

# Each judge_KIND NAME BACKEND RUN ARGS... looks at what the work left behind.
judge_disk() {
	local size=${4:-8}
	expect "data read" "$(cat "$dir/$1/sum")" "$(fact "$1" "$2" read)"
	expect "data in the image" "$(fact "$1" "$2" wrote)" "$(tail -c +$((1 + size * $3 * 1048576)) "$dir/$1/img" |
		head -c "${size}M" | md5sum | cut -d' ' -f1)"
}

judge_net() {
	expect "data received" "$(fact - - data)" "$(fact "$1" "$2" read)"
	expect "data sent" "$(fact - - data)" "$(fact "$1" "$2" sent)"
}

judge_rng() {
	expect "random data" "0 strange bytes of 65536" "$(fact "$1" "$2" read)"
}

judge_echo() {
	expect "ports that echoed" "${5:-1}" "$(fact "$1" "$2" echoed)"
}

judge_sound() {
	expect "sound" "$3" "$(fact "$1" "$2" played)"
	expect "samples in the file" found "$("$work/here" listen "$dir/$1/$1.wav.$3" "$3" 2>&1)"
}

judge_edu() {
	expect edu "id, liveness, factorial, DMA out and in, INTx, MSI" "$(fact "$1" "$2" edu)"
}

judge_testdev() {
	expect testdev "5 accesses to memory, 5 to ports" "$(fact "$1" "$2" testdev)"
}

judge_shm() {
	expect "shared memory" "$("$work/here" check "$dir/$1/shm" "$4" "$3" 2>&1)" "$(fact "$1" "$2" shm)"
}

judge_doorbell() {
	expect doorbell "answered by memory and interrupt" "$(fact "$1" "$2" doorbell)"
}

# Seen in one of the copies that were made of the screen.
judge_screen() {
	local copy got=nothing
	expect screen "$3" "$(fact "$1" "$2" painted)"
	for copy in "$dir/$1/screen.$3".*; do
		got=$("$work/here" look "$copy" "$3" 2>&1) && break
	done
	expect "picture" seen "$got"
}

judge_watchdog() {
	expect watchdog "$3" "$(fact "$1" "$2" started)"
	[ "$(grep -c watchdog_perform_action "$dir/trace")" -ge "$3" ] || expect watchdog fired "nothing"
}

# judge NAME BACKEND RUN
judge() {
	local verdict=ok result irq kind args reason
	read -r kind args < <(get "$1" work)
	reason=$(failure "$1" "$2")
	[ -z "$reason" ] || verdict=$reason
	expect "exit status" 0 "$(fact "$1" "$2" status)"
	# shellcheck disable=SC2086  # a list
	"judge_$kind" "$1" "$2" "$3" $args
	irq=$(fact "$1" "$2" interrupts)
	expect interrupts "$(get "$1" irq)" "$irq"
	expect "complaints of the guest's kernel" 0 "$(fact "$1" "$2" complaints)"
	result=ok
	[ "$verdict" = ok ] || result="fails: $verdict"
	reason=$(get "$1" cant)
	if [ -n "$reason" ]; then
		# Should it ever work, the list has to be told.
		if [ "$verdict" = ok ]; then result="fails: works, although the list says it can't"; else
			result="can't: $reason"
			irq=none
		fi
	fi
	echo "$1|$2|$irq|$(fact "$1" - reset)|$result" >>"$work/results"
	say "$1, $2: $verdict (interrupts ${irq:-unknown}; reset $(fact "$1" - reset))"
	[ "$verdict" = ok ] || grep "^$1 $2 log" "$dir/out" | sed 's/^/  /' >&2 || true
}

judge_all() {
	local name backend run
	for name; do
		run=0
		for backend in $backends; do
			run=$((run + 1))
			judge "$name" "$backend" $run
		done
	done
}

sum_up() {
	local good bad
	local cannot
	good=$(grep -c '|ok$' "$work/results" || true)
	cannot=$(grep -c "|can't: " "$work/results" || true)
	bad=$(grep -vcE "[|](ok$|can't: )" "$work/results" || true)
	echo "$good passed, $bad failed, $cannot skipped"
	[ "$bad" = 0 ]
}
