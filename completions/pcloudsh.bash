# Completion of pcloudsh for bash.
# Made from the command table: UPDATE_GOLDENS=1 node --test test/shell/completion-scripts.test.ts

# Sets plain to the word without its quotes, the last of which may still be open. Nothing in it is expanded.
_pcloudsh_plain() {
    local word=$1 quote='' next i
    plain=''
    for ((i = 0; i < ${#word}; i++)); do
        next=${word:i:1}
        if [[ -n $quote && $next == "$quote" ]]; then
            quote=''
        elif [[ -z $quote && $next == [\'\"] ]]; then
            quote=$next
        elif [[ $next == \\ && $quote != \' && (-z $quote || ${word:i+1:1} == [\"\\\$\`]) ]]; then
            ((i += 1))
            plain+=${word:i:1}
        else
            plain+=$next
        fi
    done
}

_pcloudsh() {
    local current options='' plain word
    local -a words=()
    for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        _pcloudsh_plain "$word"
        words+=("$plain")
    done
    current=$plain
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W '--file --help --version alert_list assembly_build assembly_clone assembly_create assembly_delete assembly_depends_clear assembly_depends_set assembly_disk_add assembly_disk_list assembly_disk_remove assembly_import assembly_list assembly_network_add assembly_network_list assembly_network_remove assembly_renew assembly_resource_add assembly_resource_list assembly_resource_remove assembly_show assembly_ssh build_cancel build_list build_log build_retry build_show deployable_alert_add deployable_alert_remove deployable_apply deployable_assembly_add deployable_assembly_list deployable_assembly_remove deployable_create deployable_delete deployable_export deployable_list deployable_recover deployable_reload deployable_secret_remove deployable_secret_set deployable_start deployable_status deployable_stop escalation_assembly_set escalation_deployable_set escalation_resource_set events exit help image_gc incident_list incident_show jeos_create jeos_delete jeos_list jeos_show maintenance_clear maintenance_list maintenance_set maintenance_window_add maintenance_window_remove media_add media_list media_remove media_verify quit release_list resource_depends_clear resource_depends_set resource_parameter_clear resource_parameter_set resource_template_list resource_template_show start_limit_set status template_list watch' -- "$current")
        return
    fi
    case ${words[0]} in
        -f | --file)
            compopt -o default
            return
            ;;
        jeos_create)
            options='--engine --medium --no-wait --json'
            ;;
        jeos_delete)
            options='--yes --json'
            ;;
        jeos_list)
            options='--json'
            ;;
        release_list)
            options='--json'
            ;;
        build_list)
            options='--json'
            ;;
        build_show)
            options='--json'
            ;;
        build_log)
            options='--follow --json'
            ;;
        build_cancel)
            options='--json'
            ;;
        build_retry)
            options='--no-wait --json'
            ;;
        media_add)
            options='--sha256 --no-wait --json'
            ;;
        media_list)
            options='--json'
            ;;
        media_verify)
            options='--json'
            ;;
        media_remove)
            options='--yes --json'
            ;;
        jeos_show)
            options='--packages --json'
            ;;
        assembly_show)
            options='--packages --json'
            ;;
        assembly_build)
            options='--install --guest --engine --medium --no-wait --json'
            ;;
        image_gc)
            options='--dry-run --yes --older-than --shared --json'
            ;;
        assembly_create)
            options='--json'
            ;;
        assembly_clone)
            options='--json'
            ;;
        assembly_renew)
            options='--yes --json'
            ;;
        assembly_delete)
            options='--yes --json'
            ;;
        assembly_list)
            options='--json'
            ;;
        assembly_import)
            options='--release --family --init --machine --memory --vcpus --transport --user --port --key --host-key --trust-first --format --json'
            ;;
        assembly_disk_add)
            options='--mount --json'
            ;;
        assembly_disk_remove)
            options='--yes --json'
            ;;
        assembly_disk_list)
            options='--json'
            ;;
        assembly_network_add)
            options='--mac --json'
            ;;
        assembly_network_remove)
            options='--json'
            ;;
        assembly_network_list)
            options='--json'
            ;;
        assembly_resource_add)
            options='--json'
            ;;
        assembly_resource_remove)
            options='--json'
            ;;
        assembly_resource_list)
            options='--json'
            ;;
        resource_template_list | template_list)
            options='--json'
            ;;
        resource_template_show)
            options='--json'
            ;;
        escalation_resource_set)
            options='--json'
            ;;
        escalation_assembly_set)
            options='--json'
            ;;
        escalation_deployable_set)
            options='--json'
            ;;
        assembly_depends_set)
            options='--restart --json'
            ;;
        assembly_depends_clear)
            options='--json'
            ;;
        resource_depends_set)
            options='--restart --json'
            ;;
        resource_depends_clear)
            options='--json'
            ;;
        resource_parameter_set)
            options='--json'
            ;;
        resource_parameter_clear)
            options='--json'
            ;;
        deployable_secret_set)
            options='--from-file --json'
            ;;
        deployable_secret_remove)
            options='--json'
            ;;
        maintenance_set)
            options='--for --json'
            ;;
        maintenance_clear)
            options='--json'
            ;;
        maintenance_list)
            options='--json'
            ;;
        maintenance_window_add)
            options='--time-zone --json'
            ;;
        maintenance_window_remove)
            options='--json'
            ;;
        start_limit_set)
            options='--json'
            ;;
        deployable_create)
            options='--json'
            ;;
        deployable_delete)
            options='--yes --json'
            ;;
        deployable_list)
            options='--json'
            ;;
        deployable_assembly_add)
            options='--json'
            ;;
        deployable_assembly_remove)
            options='--json'
            ;;
        deployable_assembly_list)
            options='--json'
            ;;
        deployable_status)
            options='--json'
            ;;
        watch)
            options='--interval --json'
            ;;
        deployable_apply)
            options='--file --diff --dry-run --start --restart --prune --yes --timeout --no-wait --json'
            ;;
        deployable_export)
            options='--json'
            ;;
        deployable_start)
            options='--timeout --no-wait --json'
            ;;
        deployable_stop)
            options='--timeout --no-wait --json'
            ;;
        deployable_reload)
            options='--json'
            ;;
        deployable_recover)
            options='--json'
            ;;
        incident_list)
            options='--open --deployable --since --limit --json'
            ;;
        incident_show)
            options='--json'
            ;;
        alert_list)
            options='--deployable --json'
            ;;
        deployable_alert_add)
            options='--webhook --program --token --rung --severity --assembly --resource --json'
            ;;
        deployable_alert_remove)
            options='--webhook --program --json'
            ;;
        events)
            options='--tail --since --follow --timestamps --by-incident --json'
            ;;
        status)
            options='--json'
            ;;
    esac
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
        return
    fi
    case ${words[0]} in
        jeos_create | media_add | assembly_build | assembly_ssh | assembly_import | assembly_disk_add | assembly_disk_remove | assembly_network_add | assembly_network_remove | resource_parameter_set | resource_parameter_clear | deployable_secret_set | maintenance_window_add | deployable_create | deployable_apply | deployable_alert_add | deployable_alert_remove)
            compopt -o default
            ;;
    esac
    mapfile -t COMPREPLY < <(timeout 2 "${COMP_WORDS[0]}" --complete "${words[@]}" 2>/dev/null </dev/null)
}

complete -F _pcloudsh pcloudsh
