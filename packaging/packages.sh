# The Debian packages that this project needs, and how they come onto a machine. To be sourced by bash.
#
# What it keeps: no package is ever removed (apt is told so), no service of a package is started, and no mail server
# is installed at all: those are fetched and unpacked elsewhere (fetch_packages), beside whatever the machine runs.

BUILD_PACKAGES=(
    cmake ninja-build g++ pkgconf
    libboost1.81-dev libboost-log1.81-dev libfmt-dev libtomlplusplus-dev librrd-dev libmaxminddb-dev libssl-dev zlib1g-dev catch2
)

# The quickstart, and every test that wants a real Postfix: tools, and the libraries of the unpacked servers.
RUN_PACKAGES=(
    python3 rrdtool fonts-dejavu-core libmaxmind-db-writer-perl
    libdb5.3 libicu72 libnsl2 libsasl2-2 libssl3
    libapparmor1 libbz2-1.0 libcap2 libcrypt1 libexttextcat-2.0-0 liblua5.4-0 liblz4-1 liblzma5 libpam0g libsodium23
    libstemmer0d libsystemd0 libtirpc3 libunwind8 libwrap0 libzstd1 zlib1g
)

# The rest of the tests: checks of the sources, what tests/bench compares with, and what an unpacked Sendmail needs.
TEST_PACKAGES=(
    clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev
    libmilter-dev libbenchmark-dev valgrind
    openssl m4 libsasl2-modules libsasl2-modules-db libldap-2.5-0 liblockfile1
)

# Servers that are unpacked and never installed.
POSTFIX_PACKAGES=(postfix dovecot-core)
SENDMAIL_PACKAGES=(sendmail-bin sendmail-base sendmail-cf sasl2-bin)

policy_file=/usr/sbin/policy-rc.d
policy_mark='# Put here by smtpauth-manager while it installs packages; it goes away by itself.'

# Installs what is missing of the packages named. Says nothing and changes nothing where all are there.
install_packages()
{
    local missing=()
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ]; then
        echo "These packages are missing, and only root can install them: ${missing[*]}" >&2
        return 1
    fi
    echo "Installing ${missing[*]}"
    refuse_removals "${missing[@]}" || return 1
    without_services apt_install "${missing[@]}" && return 0
    # Package lists that are older than the archive name files that are gone.
    update_package_lists && without_services apt_install "${missing[@]}"
}

# Fetches packages into a folder without installing them; what is there already stays.
fetch_packages()
{
    local folder=$1 package updated=
    shift
    mkdir -p "$folder"
    for package in "$@"; do
        compgen -G "$folder/${package}_*.deb" >/dev/null && continue
        (cd "$folder" && apt-get -qq -o APT::Sandbox::User=root download "$package") && continue
        [ -z "$updated" ] && update_package_lists && updated=yes
        (cd "$folder" && apt-get -qq -o APT::Sandbox::User=root download "$package") || return 1
    done
}

# Fails, with the reason, before anything is changed, where installing would remove a package or cannot work.
refuse_removals()
{
    local plan removed
    plan=$(apt_install --simulate "$@" 2>&1) && return 0
    removed=$(removed_by "$@")
    if [ -z "$removed" ]; then
        update_package_lists # perhaps they are missing, or too old to know a package
        plan=$(apt_install --simulate "$@" 2>&1) && return 0
        removed=$(removed_by "$@")
    fi
    if [ -n "$removed" ]; then
        echo "Nothing was changed: to install these, apt would have to remove" $removed >&2
        echo "(Boost 1.81's -dev packages cannot stand beside those of another version, such as libboost-dev.)" >&2
        echo "Remove them yourself if you can do without, or use another machine, container or chroot." >&2
    else
        echo "$plan" >&2
        echo "Nothing was changed: apt cannot install these. The project is made for Debian 12 (bookworm)." >&2
    fi
    return 1
}

removed_by()
{
    apt_install --simulate --remove "$@" 2>/dev/null | sed -n 's/^Remv \([^ ]*\).*/\1/p'
}

apt_install()
{
    LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
        install -y --no-remove --no-install-recommends "$@"
}

update_package_lists()
{
    apt-get -qq -o DPkg::Lock::Timeout=300 update
}

# Runs a command while no package may start a service. A policy of the machine's own stays as it is; ours is gone
# afterwards, also after an error or a signal. One that a killed run left behind is known by its mark.
without_services()
(
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    if { [ ! -e "$policy_file" ] && [ ! -L "$policy_file" ]; } || grep -qsF "$policy_mark" "$policy_file"; then
        trap 'rm -f "$policy_file"' EXIT
        printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" >"$policy_file"
        chmod 755 "$policy_file"
    fi
    "$@"
)
