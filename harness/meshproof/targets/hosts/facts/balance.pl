# Run in a network namespace of its own: two backends behind a virtual service of IPVS, and ten requests to it.
use strict;
use warnings;
use IO::Socket::INET;

my ($service, @backends) = ('198.18.0.1', '198.18.0.11', '198.18.0.12');
my $port = 10080;
my @children;
$| = 1;
# A connection that is cut must not leave the backends behind.
$SIG{$_} = sub { exit 1 } for qw(HUP INT PIPE TERM);
END { kill 'KILL', @children; }

sub give_up { print "error $_[0]\n"; exit 1; }

sub run {
    my $said = qx(@_ 2>&1);
    give_up(join(' ', @_) . ": $said") if $?;
}

my $ours = readlink('/proc/self/ns/net') || '';
give_up('this is not a network namespace of its own') if $ours eq (readlink('/proc/1/ns/net') || '');
run('ip link set lo up');
run("ip addr add $_/32 dev lo") for $service, @backends;
for my $number (0 .. $#backends) {
    my $listener = IO::Socket::INET->new(
        LocalAddr => $backends[$number], LocalPort => $port, Listen => 16, ReuseAddr => 1
    ) or give_up("no listener on a backend: $!");
    my $child = fork();
    give_up("fork: $!") unless defined $child;
    if ($child == 0) {
        @children = ();
        alarm 50;
        while (my $peer = $listener->accept()) { print $peer $number + 1, "\n"; close $peer; }
        exit 0;
    }
    push @children, $child;
}
run("ipvsadm -A -t $service:$port -s rr");
run("ipvsadm -a -t $service:$port -r $_:$port -m") for @backends;
for (1 .. 10) {
    my $client = IO::Socket::INET->new(PeerAddr => $service, PeerPort => $port, Timeout => 3)
        or give_up("no answer from the virtual service: $!");
    my $answer = <$client>;
    print 'answer ', $answer || "nothing\n";
}
run('ipvsadm -C');
