"""
A desktop's session: runs its programs, and tells what they show, as it is on the accessibility bus. Started by
desktop.ts, in a D-Bus session on a screen of its own; reads commands and writes {result}, one JSON object a line.
"""

import json
import subprocess
import sys
import warnings

import gi

warnings.simplefilter("ignore")
gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, Gio, GLib  # noqa: E402

DEPTH = 25


def open_accessibility():
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)

    def ask(interface, method, arguments=None):
        return bus.call_sync("org.a11y.Bus", "/org/a11y/bus", interface, method, arguments, None, 0, -1)

    (address,) = ask("org.a11y.Bus", "GetAddress").unpack()
    enabled = GLib.Variant("(ssv)", ("org.a11y.Status", "IsEnabled", GLib.Variant("b", True)))
    ask("org.freedesktop.DBus.Properties", "Set", enabled)
    # Where programs of root look, which the session bus tells nothing.
    subprocess.run(["xprop", "-root", "-f", "AT_SPI_BUS", "8s", "-set", "AT_SPI_BUS", address], check=True)


def run(command, log):
    # What it asks of us is on our standard input; what it says goes to its log.
    with open(log, "ab") as output:
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)


def showing(node, depth=0):
    """Everything on the screen from this node on, in the order in which it is drawn."""
    for index in range(node.get_child_count()):
        child = node.get_child_at_index(index)
        if child is None:
            continue
        if depth == 0 or child.get_state_set().contains(Atspi.StateType.SHOWING):
            yield child
            if depth < DEPTH:
                yield from showing(child, depth + 1)


def describe(node):
    item = {"role": node.get_role_name(), "name": node.get_name() or "", "hint": node.get_description() or ""}
    if item["role"] == "terminal":
        item["name"] = Atspi.Text.get_text(node, 0, -1)
    area = Atspi.Component.get_extents(node, Atspi.CoordType.SCREEN) if node.get_component_iface() else None
    if area is not None:
        item.update(x=area.x, y=area.y, width=area.width, height=area.height)
    return item


def everything():
    try:
        for node in showing(Atspi.get_desktop(0)):
            yield describe(node)
    except GLib.GError as error:
        # Part of it has just gone; who waits for something looks again.
        print(error, file=sys.stderr)


def handle(command):
    if command["cmd"] == "run":
        return run(command["command"], command["log"])
    if command["cmd"] == "end":
        sys.exit()
    return list(everything())


def say(result):
    # What the session's services say comes the same way, in other words.
    print(json.dumps({"result": result}), flush=True)


open_accessibility()
say(None)
for line in sys.stdin:
    say(handle(json.loads(line)))
