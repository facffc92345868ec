#!/usr/bin/perl
# What the containers of the network tests run: a server that says who it is, and a client for what a shell cannot ask.
#   netexec.pl serve TCP-PORT UDP-PORT      (0: none) HTTP: /hostname, /clientip, /dial; UDP: hostname, clientip
#   netexec.pl http|udp HOST PORT TEXT COUNT  one line per answer; nothing where none comes
#   netexec.pl raw udp|tcp HOST PORT HEX    a DNS message as it is; its answer in hexadecimal digits
#   netexec.pl pause
use strict;
use warnings;
use Socket;

my $patience = 3;    # seconds for one answer
my ($command, @arguments) = @ARGV;
$| = 1;
$SIG{TERM} = sub { exit 0 };
$SIG{CHLD} = 'IGNORE';
my $hostname = do { open my $file, '<', '/proc/sys/kernel/hostname'; my $line = <$file>; chomp $line; $line };

if    ($command eq 'serve') { serve(@arguments) }
elsif ($command =~ /^(http|udp)$/) { print map { fetch($command, @arguments[0 .. 2]) . "\n" } 1 .. $arguments[3] }
elsif ($command eq 'raw')   { print unpack('H*', ask(@arguments[0 .. 2], pack('H*', $arguments[3])) || ''), "\n" }
elsif ($command eq 'pause') { sleep 3600 while 1 }

sub serve {
    my ($tcp_port, $udp_port) = @_;
    if ($udp_port && (!$tcp_port || fork)) {
        socket(my $socket, PF_INET, SOCK_DGRAM, 0) or die "socket: $!";
        bind($socket, sockaddr_in($udp_port, INADDR_ANY)) or die "bind: $!";
        while (1) {
            my $peer = recv($socket, my $text, 2048, 0) or next;
            chomp $text;
            my ($port, $address) = sockaddr_in($peer);
            send($socket, $text eq 'clientip' ? inet_ntoa($address) . ":$port" : $hostname, 0, $peer);
        }
    }
    socket(my $server, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
    setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1);
    bind($server, sockaddr_in($tcp_port, INADDR_ANY)) or die "bind: $!";
    listen($server, 128) or die "listen: $!";
    while (1) {
        my $peer = accept(my $client, $server) or next;
        answer($client, $peer), exit 0 unless fork;
        close $client;
    }
}

sub answer {
    my ($client, $peer) = @_;
    my ($port, $address) = sockaddr_in($peer);
    alarm 60;
    my $request = <$client>;
    while (my $line = <$client>) { last unless $line =~ /\S/ }
    my ($path, $query) = ($request || '') =~ m{^GET (\S*?)(?:\?(\S*))? };
    return unless defined $path;
    my %given = map { split /=/, $_, 2 } split /&/, $query || '';
    my $text = $path eq '/clientip' ? inet_ntoa($address) . ":$port" : $path eq '/dial' ? fetch(@given{qw(protocol host port request)}) : $hostname;
    send($client, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: " . length($text) . "\r\n\r\n$text", 0);
}

# What another netexec says.
sub fetch {
    my ($protocol, $host, $port, $request) = @_;
    return ask('udp', $host, $port, $request) if $protocol eq 'udp';
    my $all = ask('http', $host, $port, "GET /$request HTTP/1.0\r\n\r\n");
    return $all =~ /\r\n\r\n(.*)/s ? $1 : '';
}

# One question, one answer: empty where none comes in time.
sub ask {
    my ($protocol, $host, $port, $message) = @_;
    my $is_udp = $protocol eq 'udp';
    my $answer = '';
    eval {
        local $SIG{ALRM} = sub { die "too late\n" };
        alarm $patience;
        my $address = inet_aton($host) or die "no such host\n";
        socket(my $socket, PF_INET, $is_udp ? SOCK_DGRAM : SOCK_STREAM, 0) or die "socket: $!";
        connect($socket, sockaddr_in($port, $address)) or die "connect: $!";
        send($socket, $protocol eq 'tcp' ? pack('n/a*', $message) : $message, 0) or die "send: $!";
        if ($is_udp) { defined recv($socket, $answer, 65536, 0) or die "recv: $!" }
        else {
            while (sysread($socket, my $part, 65536)) {
                $answer .= $part;
                # Over TCP a message says how long it is.
                last if $protocol eq 'tcp' && length $answer > 2 && length $answer >= 2 + unpack('n', $answer);
            }
            $answer = unpack('n/a*', $answer) if $protocol eq 'tcp';
        }
        alarm 0;
    };
    print STDERR $@ if $@;
    return $answer;
}
