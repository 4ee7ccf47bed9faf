// One binary for every Kubernetes program of the lab: its first argument names the program, so that the code they share is compiled
// and linked once.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	programs := map[string]func() *cobra.Command{
		"kube-apiserver":          apiserver.NewAPIServerCommand,
		"kube-controller-manager": controllermanager.NewControllerManagerCommand,
		"kube-proxy":              proxy.NewProxyCommand,
		"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
		"kubectl":                 kubectl.NewDefaultKubectlCommand,
		"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
	}
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	program, known := programs[name]
	if !known {
		fmt.Fprintf(os.Stderr, "error: there is no program %q\nhint: name kube-apiserver, kube-controller-manager, kube-proxy, kube-scheduler, kubectl or kubelet first\n", name)
		os.Exit(2)
	}
	// The programs look at their arguments before they are run, as if each had its own binary.
	os.Args = os.Args[1:]
	os.Exit(cli.Run(program()))
}
