# SPDX-License-Identifier: BSD-2-Clause
#
# The case of the same name, in 20 rounds for either backend.
HOTPLUG_ROUNDS=20 exec sh "$(dirname "$0")/../cases/hotplug.sh"
