// Command scriptedest is globalsign's EST server library with an authority that does what a script says.
//
// The stock estserver asks for no password, defers nobody for a settable time and does not tell what it issued. The
// end-to-end suite needs all three. The wire format, the router and the re-enrolment rules are the library's.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/globalsign/est"
)

type options struct {
	listen, certificate, key, caCertificates, caKey, clientCAs, script, maxTLS string
}

func main() {
	log.SetFlags(log.LUTC | log.Ldate | log.Lmicroseconds)
	if err := serve(parseFlags()); err != nil {
		log.Fatal(err)
	}
}

func parseFlags() options {
	var given options
	flag.StringVar(&given.listen, "listen", "127.0.0.1:8443", "address and port")
	flag.StringVar(&given.certificate, "certificate", "", "PEM chain of the TLS endpoint, leaf first")
	flag.StringVar(&given.key, "key", "", "PEM key of the TLS endpoint")
	flag.StringVar(&given.caCertificates, "ca-certificates", "", "PEM chain of the authority, issuing certificate first")
	flag.StringVar(&given.caKey, "ca-key", "", "PEM key of the issuing certificate")
	flag.StringVar(&given.clientCAs, "client-cas", "", "PEM roots of the TLS clients")
	flag.StringVar(&given.script, "script", "", "JSON, read again for every request")
	flag.StringVar(&given.maxTLS, "max-tls", "1.3", "1.2 or 1.3")
	flag.Parse()
	return given
}

func serve(given options) error {
	script := scriptFile(given.script)
	if _, err := script.read(); err != nil {
		return err
	}
	authority, err := newAuthority(given, script)
	if err != nil {
		return err
	}
	endpoint, err := newEndpoint(given, script)
	if err != nil {
		return err
	}
	router, err := est.NewRouter(&est.ServerConfig{
		CA:             authority,
		Logger:         logger{},
		CheckBasicAuth: script.checkBasicAuth,
	})
	if err != nil {
		return err
	}
	server := &http.Server{Addr: given.listen, Handler: router, TLSConfig: endpoint}
	return server.ListenAndServeTLS("", "")
}

func newAuthority(given options, script scriptFile) (*authority, error) {
	pair, err := tls.LoadX509KeyPair(given.caCertificates, given.caKey)
	if err != nil {
		return nil, fmt.Errorf("the authority: %w", err)
	}
	chain, err := readCertificates(given.caCertificates)
	if err != nil {
		return nil, err
	}
	return &authority{chain: chain, key: pair.PrivateKey, script: script, deferred: map[[32]byte]int{}}, nil
}

// newEndpoint reads the script at every handshake, because whether a client certificate is wanted stands in it.
func newEndpoint(given options, script scriptFile) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(given.certificate, given.key)
	if err != nil {
		return nil, fmt.Errorf("the TLS endpoint: %w", err)
	}
	roots, err := readCertificates(given.clientCAs)
	if err != nil {
		return nil, err
	}
	endpoint := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, ClientCAs: x509.NewCertPool()}
	for _, root := range roots {
		endpoint.ClientCAs.AddCert(root)
	}
	if given.maxTLS == "1.2" {
		endpoint.MaxVersion = tls.VersionTLS12
	}
	endpoint.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return script.handshake(endpoint.Clone())
	}
	return endpoint, nil
}

func readCertificates(path string) ([]*x509.Certificate, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseCertificates(content)
}

func parseCertificates(content []byte) ([]*x509.Certificate, error) {
	var found []*x509.Certificate
	for {
		block, rest := pem.Decode(content)
		if block == nil {
			return found, nil
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		found, content = append(found, certificate), rest
	}
}
