# SPDX-License-Identifier: GPL-2.0
"""panthor-trace top on a terminal: what it draws, what keys and signals do, what it leaves behind.

usage: top.py PROGRAM TEST      prints "ok", or what was wrong
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

PROGRAM = sys.argv[1]
TAKE, GIVE = b"\033[?1049h", b"\033[?1049l"


class Wrong(Exception):
    pass


def want(truth, words):
    if not truth:
        raise Wrong(words)


def plain(frame):
    return re.sub(rb"\033\[[0-9?]*[A-Za-z]|\r", b"", frame).decode().split("\n")


class Top:
    """top as a job of a shell of ours, in the foreground of a terminal of its own"""

    def __init__(self, *args, rows=24, columns=80):
        self.out = b""
        self.status, self.result = os.pipe()
        shell, self.tty = pty.fork()
        if not shell:
            self.shell(args)
        os.close(self.result)
        self.shell_pid = shell
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.tty)
        self.job = int(self.told("pid"))

    def shell(self, args):
        """Starts the job, and tells what becomes of it"""
        os.close(self.status)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        job = os.fork()
        if not job:
            os.setpgid(0, 0)
            while os.tcgetpgrp(0) != os.getpgrp():
                time.sleep(0.01)
            time.sleep(0.1)  # the size is set by then
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            os.execv(PROGRAM, [PROGRAM, "top", "-d", "0.1", *args])
        os.setpgid(job, job)
        os.tcsetpgrp(0, job)

        def fg(*_):
            os.tcsetpgrp(0, job)
            os.kill(job, signal.SIGCONT)

        signal.signal(signal.SIGUSR1, fg)
        os.write(self.result, b"pid %d\n" % job)
        while True:
            _, status = os.waitpid(job, os.WUNTRACED)
            if os.WIFSTOPPED(status):
                os.tcsetpgrp(0, os.getpgrp())
                os.write(self.result, b"stopped %d\n" % os.WSTOPSIG(status))
            elif os.WIFSIGNALED(status):
                os.write(self.result, b"killed %d\n" % os.WTERMSIG(status))
                os._exit(0)
            else:
                os.write(self.result, b"exit %d\n" % os.WEXITSTATUS(status))
                os._exit(0)

    def read(self, seconds):
        """Reads what is drawn; true if the shell said something meanwhile"""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            ready = select.select([self.tty, self.status], [], [], left)[0]
            if self.tty in ready:
                try:
                    self.out += os.read(self.tty, 65536)
                except OSError:
                    ready.append(self.status)
            if self.status in ready:
                return True
        return False

    def told(self, word, seconds=20):
        want(self.read(seconds), f"no word of the job being {word}")
        line = os.read(self.status, 100).decode().split()
        # what it wrote last
        if word != "pid":
            self.read(0.1)
        want(line[0] == word, f"the job is not {word}: {line}")
        return line[1]

    def resize(self, rows, columns):
        fcntl.ioctl(self.tty, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def key(self, keys):
        self.out = b""
        os.write(self.tty, keys)

    def frame(self, good=lambda lines: True, seconds=20):
        """The first whole screen from now on that is good"""
        self.out = b""
        end = time.monotonic() + seconds
        lines = []
        while time.monotonic() < end:
            if self.read(0.05):
                break
            frames = self.out.split(b"\033[H")
            if len(frames) < 3:
                continue
            lines = plain(frames[-2])
            if good(lines):
                return lines
        raise Wrong("not drawn as it should be: " + repr(lines))

    def drawn(self, good, what="at first", seconds=20):
        """The last screen, as soon as it is good: where none follows by itself"""
        end = time.monotonic() + seconds
        lines = []
        while time.monotonic() < end:
            if self.read(0.05):
                break
            lines = plain(self.out.split(b"\033[H")[-1])
            if good(lines):
                return
        raise Wrong(f"{what}: {lines}")

    def restored(self):
        want(self.out.endswith(GIVE) or GIVE in self.out, "still on the other screen")
        want(termios.tcgetattr(self.tty) == self.before, "the terminal is not as it was")

    def quits(self, status="0"):
        got = self.told("exit")
        want(got == status, f"ended with {got}")
        self.restored()


def clients(lines):
    return [int(m[1]) for m in (re.match(r" *(\d+) +\d+ my app", line) for line in lines) if m]


def test_fits():
    top = Top()
    lines = top.frame(lambda lines: len(clients(lines)) > 15)
    want(len(lines) <= 24, f"{len(lines)} lines on 24")
    want("clients: 40" in lines[0] and lines[1].split()[0] == "CLIENT", "no heads")
    want(all(len(line) <= 80 for line in lines), "wider than 80")
    top.resize(5, 20)
    lines = top.frame(lambda lines: len(lines) <= 5)
    want(all(len(line) <= 20 for line in lines), "wider than 20")
    want(lines[1].split()[0] == "CLIENT" and clients(lines), "no clients")
    for rows, columns in (1, 1), (2, 3), (3, 500):
        top.resize(rows, columns)
        top.frame(lambda lines: len(lines) <= rows and len(lines[0]) <= columns)
    top.resize(60, 200)
    top.frame(lambda lines: len(clients(lines)) == 40)
    top.key(b"q")
    top.quits()


def test_keys():
    top = Top("-d", "100", "--sort=client")
    top.drawn(clients)
    # each key draws anew at once, though the next look is far away
    for keys, good in (
        (b"E", lambda c: c[:1] == [40] and c == sorted(c, reverse=True)),
        (b"R", lambda c: c[:1] == [1] and c == sorted(c)),
        (b"\033[B", lambda c: c[:1] == [2]),
        (b"\033[A", lambda c: c[:1] == [1]),
        (b"\033[6~", lambda c: c[:1] == [13]),
        (b"\033[F", lambda c: c[-1:] == [40]),
        (b"\033[H", lambda c: c[:1] == [1]),
        (b"?", None),
        (b"?", lambda c: c[:1] == [1]),
        (b"\033", lambda c: c[:1] == [1]),
        (b" ", lambda c: c[:1] == [1]),
    ):
        top.key(keys)
        if good:
            top.drawn(lambda lines: good(clients(lines)), f"after {keys}")
        else:
            top.drawn(lambda lines: len(lines) > 1 and not clients(lines), f"after {keys}")
    top.key(b"q")
    top.quits()


def test_signals():
    for sig in "HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "ALRM", "ABRT", "PWR", "IO", "RTMIN":
        top = Top()
        top.frame()
        os.kill(top.job, getattr(signal, "SIG" + sig))
        try:
            top.quits()
        except Wrong as wrong:
            raise Wrong(f"SIG{sig}: {wrong}") from wrong
    # ^C and ^\ are signals, too
    for key in b"\003", b"\034":
        top = Top()
        top.frame()
        top.key(key)
        top.quits()


def test_stop():
    top = Top()
    top.frame()
    for how in b"\032", signal.SIGTSTP, signal.SIGTTIN:
        if isinstance(how, bytes):
            top.key(how)
            how = signal.SIGTSTP
        else:
            os.kill(top.job, how)
        want(top.told("stopped") == str(int(how)), "stopped by another signal")
        top.restored()
        # In the background it leaves the terminal alone.
        top.out = b""
        os.kill(top.job, signal.SIGCONT)
        want(top.told("stopped") == str(int(signal.SIGTTOU)), "not stopped in the background")
        want(not top.out, "drew in the background")
        os.kill(top.shell_pid, signal.SIGUSR1)
        top.frame()
        want(termios.tcgetattr(top.tty) != top.before, "the terminal is not taken again")
    top.key(b"q")
    top.quits()


def test_closed():
    top = Top("-d", "100")
    top.drawn(clients)
    os.close(top.tty)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        line = os.read(top.status, 100)
        want(line == b"exit 0\n", line)
        return
    raise Wrong("goes on")


def test_fault():
    top = Top()
    top.frame()
    os.kill(top.job, signal.SIGSEGV)
    want(top.told("killed") == str(int(signal.SIGSEGV)), "not killed by it")
    top.restored()


def test_once():
    top = Top("-n", "1")
    top.quits()
    left = top.out.split(GIVE)[-1].decode()
    want("clients: 40" in left and "my app40" in left, "what was asked for is gone")


try:
    globals()["test_" + sys.argv[2]]()
    print("ok")
except Wrong as wrong:
    print("wrong:", wrong)
