#!/usr/bin/perl
# Makes a small database in MaxMind's format, for tests and for the quickstart.
#
#     make_mmdb.pl OUT.mmdb <<'END'
#     203.0.113.0/24,DE,64500
#     2001:db8::/32,JP,64501
#     198.51.100.0/24,(FR),
#     END
#
# Each line is PREFIX,COUNTRY,ASN; either may be empty. A country in brackets becomes the registered
# country only. Country and ASN stand in one database, so that one file serves as both.
use strict;
use warnings;

use MaxMind::DB::Writer::Tree;

my %types = (
    country                  => 'map',
    registered_country       => 'map',
    iso_code                 => 'utf8_string',
    autonomous_system_number => 'uint32',
);

my $out = shift // die "usage: make_mmdb.pl OUT.mmdb <LINES\n";
my $tree = MaxMind::DB::Writer::Tree->new(
    ip_version               => 6,
    record_size              => 24,
    database_type            => 'smtpauth-test-Country-ASN',
    languages                => ['en'],
    description              => { en => 'made for a test' },
    remove_reserved_networks => 0,
    alias_ipv6_to_ipv4       => 1,
    map_key_type_callback    => sub { $types{ $_[0] } },
);

while (my $line = <STDIN>) {
    chomp $line;
    next if $line =~ /^\s*(?:#|$)/;
    my ($prefix, $country, $asn) = split /,/, $line, -1;
    my %data;
    if (defined $country && $country =~ /^\((.+)\)$/) {
        $data{registered_country} = { iso_code => $1 };
    } elsif (defined $country && length $country) {
        $data{country} = { iso_code => $country };
    }
    $data{autonomous_system_number} = $asn + 0 if defined $asn && length $asn;
    $tree->insert_network($prefix, \%data);
}

open my $file, '>:raw', $out or die "$out: $!\n";
$tree->write_tree($file);
close $file or die "$out: $!\n";
